/** Class names, in the order of the model's outputs. */

import { HanjiError } from "./errors.ts";
import { Table } from "./json_table.ts";
import { quoted } from "./text.ts";

/** One name per class in `values`, and in each array of `names`, which is keyed by language tag. */
export class Labels {
  readonly values: readonly string[];
  readonly names: Record<string, readonly string[]>;

  constructor(values: readonly string[], names: Record<string, readonly string[]>) {
    this.values = values;
    this.names = names;
  }

  /** The names in `language`, or `values` if it is omitted; HanjiError if the bundle lacks the language. */
  inLanguage(language?: string): readonly string[] {
    if (language === undefined) return this.values;
    const names = Object.hasOwn(this.names, language) ? this.names[language] : undefined;
    if (names) return names;
    const known = Object.keys(this.names).sort().join(", ") || "none";
    throw new HanjiError(`language: expected a language of the bundle (${known}), found ${quoted(language)}`);
  }
}

/** Parses labels.json with `count` classes; BundleError naming the field if it is malformed. */
export function parseLabels(content: Uint8Array, count: number, where: string): Labels {
  const table = Table.parse(content, where);
  const values = namesOf(table, "labels", count);
  if (!table.has("names")) return new Labels(values, {});
  const names = table.table("names");
  const entries = names.keys.map((language) => [language, namesOf(names, language, count)] as const);
  return new Labels(values, Object.fromEntries(entries));
}

function namesOf(table: Table, key: string, count: number): string[] {
  const names = table.texts(key);
  if (!names.every((name) => name.length >= 1 && name.length <= 1000)) {
    table.fail(key, "strings of 1 to 1000 characters");
  }
  if (names.length !== count) table.fail(key, `${count} names (the manifest's count)`);
  return names;
}
