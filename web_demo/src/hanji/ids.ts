/** External ids and item descriptions, in the order of the model's indices. */

import { BundleError, UnknownIdError } from "./errors.ts";
import { Table } from "./json_table.ts";
import { quoted, shown } from "./text.ts";

/** The id of a user or item in the training data: integers in some bundles, strings in others. */
export type ExternalId = number | string;

/** External ids by index (`values`), and indices by external id. */
export class Ids {
  readonly values: readonly ExternalId[];
  readonly #kind: "user" | "item";
  readonly #indices: Map<ExternalId, number>;
  readonly #areIntegers: boolean;

  constructor(values: readonly ExternalId[], kind: "user" | "item") {
    this.values = values;
    this.#kind = kind;
    this.#indices = new Map(values.map((id, index) => [id, index]));
    this.#areIntegers = typeof values[0] === "number";
  }

  get length(): number {
    return this.values.length;
  }

  /** The external id at an index of the model. */
  at(index: number): ExternalId {
    const id = this.values[index];
    if (id === undefined)
      throw new RangeError(`expected an index from 0 to ${this.length - 1}, found ${index}`);
    return id;
  }

  /**
   * The index of an external id, undefined if it is unknown.
   *
   * The string "196" matches the integer 196 and vice versa, whichever the bundle has: one id such as "A12"
   * in the training data makes strings of all. TypeError if the value is neither a string nor a safe integer.
   */
  indexOf(id: ExternalId): number | undefined {
    if (typeof id === "string") return this.#indices.get(this.#areIntegers ? integer(id) : id);
    if (!Number.isSafeInteger(id)) {
      const kind = this.#kind === "item" ? "an item" : "a user";
      throw new TypeError(`expected ${kind} id (integer or string), found ${shown(id)}`);
    }
    return this.#indices.get(this.#areIntegers ? id : String(id));
  }

  /** The index of an external id; UnknownIdError if it is unknown. */
  knownIndexOf(id: ExternalId): number {
    const index = this.indexOf(id);
    if (index === undefined) throw this.unknown(id);
    return index;
  }

  /** The error for an unknown id. */
  unknown(id: ExternalId): UnknownIdError {
    return new UnknownIdError(
      `${this.#kind} ${quoted(id)} is unknown: ` +
        `expected one of the bundle's ${this.length} ${this.#kind} ids, such as ${quoted(this.at(0))}`,
    );
  }
}

/** The integer whose canonical decimal form is `text`, otherwise `text` itself. */
function integer(text: string): ExternalId {
  const value = Number(text);
  return Number.isSafeInteger(value) && String(value) === text ? value : text;
}

/** `Items` as plain data that can be sent to and from a worker: one entry per item in each field. */
export interface ItemsData {
  ids: readonly ExternalId[];
  titles: readonly string[];
  genres: readonly (readonly string[])[];
  /** Number of training interactions of each item, [items]. */
  popularity: Float64Array;
}

/** The item catalogue: one entry per item in each field. */
export class Items {
  readonly ids: Ids;
  readonly titles: readonly string[];
  readonly genres: readonly (readonly string[])[];
  /** Number of training interactions of each item, [items]. */
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

  /** As plain data, for a worker. */
  get data(): ItemsData {
    const { titles, genres, popularity } = this;
    return { ids: this.ids.values, titles, genres, popularity };
  }
}

/** Parses users.json with `count` user ids; BundleError naming the field if it is malformed. */
export function parseUsers(content: Uint8Array, count: number, where: string): Ids {
  const table = Table.parse(content, where);
  const ids = table.ids("ids");
  checkLength(table, "ids", ids.length, count);
  return new Ids(ids, "user");
}

/** Parses items.json with `count` items; BundleError naming the field if it is malformed. */
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
  return valid ? (rows as string[][]) : table.fail("genres", "an array of strings per item");
}

function popularity(table: Table): Float64Array {
  const counts = table.array("popularity");
  const valid = counts.every((count) => Number.isSafeInteger(count) && (count as number) >= 0);
  if (!valid) table.fail("popularity", `integers from 0 to ${Number.MAX_SAFE_INTEGER}`);
  return Float64Array.from(counts as number[]); // checked above
}

function checkLength(table: Table, key: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new BundleError(
    `${table.where}: ${key}: expected ${expected} entries (the manifest's count), found ${found}; ` +
      "export the bundle again",
  );
}
