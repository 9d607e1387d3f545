/** The user's own ids and item descriptions, in the order of the model's indices. */

import { BundleError, UnknownIdError } from "./errors.ts";
import { Table } from "./json_table.ts";
import { quoted, shown } from "./text.ts";

/** What a bundle calls a user or an item: integers in some bundles, texts in others. */
export type OwnId = number | string;

/** Own ids by index (`values`), and indices by own id. */
export class Ids {
  readonly values: readonly OwnId[];
  readonly #kind: "user" | "item";
  readonly #indices: Map<OwnId, number>;
  readonly #areIntegers: boolean;

  constructor(values: readonly OwnId[], kind: "user" | "item") {
    this.values = values;
    this.#kind = kind;
    this.#indices = new Map(values.map((own, index) => [own, index]));
    this.#areIntegers = typeof values[0] === "number";
  }

  get length(): number {
    return this.values.length;
  }

  /** The own id at an index of the model. */
  at(index: number): OwnId {
    const own = this.values[index];
    if (own === undefined)
      throw new RangeError(`expected an index of 0 to ${this.length - 1}, found ${index}`);
    return own;
  }

  /**
   * The index of an own id, undefined if it is unknown.
   *
   * Where the ids are integers the text "196" means 196; where they are texts, 196 is unknown. TypeError for
   * what cannot be an id.
   */
  indexOf(own: OwnId): number | undefined {
    if (typeof own === "string") return this.#indices.get(this.#areIntegers ? integer(own) : own);
    if (!Number.isSafeInteger(own)) {
      const kind = this.#kind === "item" ? "an item" : "a user";
      throw new TypeError(`expected ${kind} id (integer or text), found ${shown(own)}`);
    }
    return this.#indices.get(own);
  }

  /** The index of an own id; UnknownIdError if it is unknown. */
  knownIndexOf(own: OwnId): number {
    const index = this.indexOf(own);
    if (index === undefined) throw this.unknown(own);
    return index;
  }

  /** The error of an id that is unknown. */
  unknown(own: OwnId): UnknownIdError {
    return new UnknownIdError(
      `${this.#kind} ${quoted(own)} is unknown: ` +
        `expected one of the bundle's ${this.length} ${this.#kind} ids, such as ${quoted(this.at(0))}`,
    );
  }
}

/** The integer that is written exactly like `text`, else the text itself. */
function integer(text: string): OwnId {
  const value = Number(text);
  return Number.isSafeInteger(value) && String(value) === text ? value : text;
}

/** What can be recommended, as it crosses to and from a worker: one entry per item in each field. */
export interface ItemsData {
  ids: readonly OwnId[];
  titles: readonly string[];
  genres: readonly (readonly string[])[];
  /** Training interactions of each item, [items]. */
  popularity: Float64Array;
}

/** What can be recommended: one entry per item in each field. */
export class Items {
  readonly ids: Ids;
  readonly titles: readonly string[];
  readonly genres: readonly (readonly string[])[];
  /** Training interactions of each item, [items]. */
  readonly popularity: Float64Array;

  constructor(data: ItemsData) {
    this.ids = new Ids(data.ids, "item");
    this.titles = data.titles;
    this.genres = data.genres;
    this.popularity = data.popularity;
  }

  get length(): number {
    return this.ids.length;
  }

  title(index: number): string {
    return this.titles[index] ?? "";
  }

  genresOf(index: number): readonly string[] {
    return this.genres[index] ?? [];
  }

  /** As it crosses to a worker. */
  get data(): ItemsData {
    const { titles, genres, popularity } = this;
    return { ids: this.ids.values, titles, genres, popularity };
  }
}

/** The `count` user ids in users.json; BundleError naming the field if it holds anything else. */
export function parseUsers(content: Uint8Array, count: number, where: string): Ids {
  const table = Table.parse(content, where);
  const ids = table.ids("ids");
  checkLength(table, "ids", ids.length, count);
  return new Ids(ids, "user");
}

/** The `count` items in items.json; BundleError naming the field if it holds anything else. */
export function parseItems(content: Uint8Array, count: number, where: string): Items {
  const table = Table.parse(content, where);
  const data: ItemsData = {
    ids: table.ids("ids"),
    titles: table.texts("titles"),
    genres: genres(table),
    popularity: popularity(table),
  };
  for (const key of ["ids", "titles", "genres", "popularity"] as const) {
    checkLength(table, key, data[key].length, count);
  }
  return new Items(data);
}

function genres(table: Table): string[][] {
  const rows = table.array("genres");
  const valid = rows.every((row) => Array.isArray(row) && row.every((genre) => typeof genre === "string"));
  return valid ? (rows as string[][]) : table.fail("genres", "an array of texts per item");
}

function popularity(table: Table): Float64Array {
  const counts = table.array("popularity");
  const valid = counts.every((count) => Number.isSafeInteger(count) && (count as number) >= 0);
  if (!valid) table.fail("popularity", `integers of 0 to ${Number.MAX_SAFE_INTEGER}`);
  return Float64Array.from(counts as number[]); // checked above
}

function checkLength(table: Table, key: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new BundleError(
    `${table.where}: ${key}: expected ${expected} entries (the manifest's count), found ${found}; ` +
      "export the bundle again",
  );
}
