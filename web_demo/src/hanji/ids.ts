/** External ids and item descriptions, in the order of the model's indices. */

import { type Column, type Find, listed } from "./columns.ts";
import { BundleError, UnknownIdError } from "./errors.ts";
import { Table } from "./json_table.ts";
import { isTableFile, type ItemColumns, readIds, readItems } from "./table_file.ts";
import { quoted, shown } from "./text.ts";

/** The id of a user or item in the training data: integers in some bundles, strings in others. */
export type ExternalId = number | string;

/** External ids by index, and indices by external id. */
export class Ids {
  readonly #column: Column<ExternalId>;
  readonly #kind: "user" | "item";
  readonly #find: Find<ExternalId>;
  readonly #areIntegers: boolean;

  /** Without `find`, the values are looked up in a map. */
  constructor(column: Column<ExternalId>, kind: "user" | "item", find?: Find<ExternalId>) {
    this.#column = column;
    this.#kind = kind;
    this.#find = find ?? findIn(listed(column));
    this.#areIntegers = typeof column.at(0) === "number";
  }

  get length(): number {
    return this.#column.length;
  }

  /** All ids; of a table file they are listed anew, so that `at` is cheaper for a few of many. */
  get values(): readonly ExternalId[] {
    return listed(this.#column);
  }

  /** The external id at an index of the model. */
  at(index: number): ExternalId {
    const id = this.#column.at(index);
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
    if (typeof id === "string") {
      const value = this.#areIntegers ? integer(id) : id;
      return value === undefined ? undefined : this.#find(value);
    }
    if (!Number.isSafeInteger(id)) {
      const kind = this.#kind === "item" ? "an item" : "a user";
      throw new TypeError(`expected ${kind} id (integer or string), found ${shown(id)}`);
    }
    return this.#find(this.#areIntegers ? id : String(id));
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

function findIn(values: readonly ExternalId[]): Find<ExternalId> {
  const indices = new Map(values.map((id, index) => [id, index]));
  return (id) => indices.get(id);
}

/** The integer whose canonical decimal form is `text`, undefined if there is none. */
function integer(text: string): number | undefined {
  const value = Number(text);
  return Number.isSafeInteger(value) && String(value) === text ? value : undefined;
}

/** `Items` as data that can be sent to and from a worker: one entry per item in each field, or the file. */
export type ItemsData = ListedItems | ItemsFile;

interface ListedItems {
  ids: readonly ExternalId[];
  titles: readonly string[];
  genres: readonly (readonly string[])[];
  /** Number of training interactions of each item, [items]. */
  popularity: Float64Array;
}

interface ItemsFile {
  content: Uint8Array;
  where: string;
}

/** The item catalogue: one entry per item in each field. */
export class Items {
  readonly ids: Ids;
  /** Number of training interactions of each item, [items]. */
  readonly popularity: Float64Array;
  readonly #titles: Column<string>;
  readonly #genres: Column<readonly string[]>;
  readonly #file: ItemsFile | undefined;

  /** `file` is the table file that the columns are those of, if they are. */
  constructor(columns: ListedItems | ItemColumns, file?: ItemsFile) {
    this.ids = new Ids(columns.ids, "item", "find" in columns ? columns.find : undefined);
    this.popularity = columns.popularity;
    this.#titles = columns.titles;
    this.#genres = columns.genres;
    this.#file = file;
  }

  /** The items of `data`, which may have come from a worker. */
  static from(data: ItemsData, count: number): Items {
    return "content" in data ? new Items(readItems(data.content, count, data.where), data) : new Items(data);
  }

  get length(): number {
    return this.ids.length;
  }

  /** All titles; of a table file they are listed anew, so that `title` is cheaper for a few of many. */
  get titles(): readonly string[] {
    return listed(this.#titles);
  }

  /** The genres of all items, like `titles`. */
  get genres(): readonly (readonly string[])[] {
    return listed(this.#genres);
  }

  title(index: number): string {
    return this.#titles.at(index) ?? "";
  }

  genresOf(index: number): readonly string[] {
    return this.#genres.at(index) ?? [];
  }

  /** As data for a worker. */
  get data(): ItemsData {
    if (this.#file) return this.#file;
    const { titles, genres, popularity } = this;
    return { ids: this.ids.values, titles, genres, popularity };
  }
}

/** Parses `count` user ids, JSON or a table file; BundleError naming the field if it is malformed. */
export function parseUsers(content: Uint8Array, count: number, where: string): Ids {
  if (isTableFile(where)) {
    const { ids, find } = readIds(content, count, where);
    return new Ids(ids, "user", find);
  }
  const table = Table.parse(content, where);
  const ids = table.ids("ids");
  checkLength(table, "ids", ids.length, count);
  return new Ids(ids, "user");
}

/** Parses `count` items, JSON or a table file; BundleError naming the field if it is malformed. */
export function parseItems(content: Uint8Array, count: number, where: string): Items {
  if (isTableFile(where)) return Items.from({ content, where }, count);
  const table = Table.parse(content, where);
  const data: ListedItems = {
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
