/**
 * Reads a table file: the ids of users or items, titles, genres and popularity, in binary.
 *
 * Like `hanji.runtime.table_file`; docs/table-files.md describes the format. Everything that a reader relies
 * on is checked when a table is opened, without copies of its columns.
 */

import {
  binarySearch,
  compareBytes,
  Consecutive,
  type Column,
  type Find,
  Integers,
  TextLists,
  Texts,
  word,
} from "./columns.ts";
import { BundleError } from "./errors.ts";
import type { ExternalId } from "./ids.ts";

/** Ids by row, and the function that finds the row of an id. */
export interface IdColumn {
  ids: Column<ExternalId>;
  find: Find<ExternalId>;
}

/** The columns of items. */
export interface ItemColumns extends IdColumn {
  titles: Column<string>;
  genres: Column<readonly string[]>;
  popularity: Float64Array;
}

const MAGIC = "hanjitab";
const VERSION = 1;
const HEADER_BYTES = 56;
/** Where the 32-bit fields of the header begin, and the 64-bit first id. */
const [FIELDS, FIRST_ID] = [8, 48];
const CONTENTS = { ids: 1, items: 2 };
const KINDS = { consecutive: 0, integers: 1, texts: 2 };
const ALIGNMENT = 8;
const BLOCK = 2 ** 20;

/** Whether a path of ids or items is that of a table file; the others are JSON. */
export function isTableFile(path: string): boolean {
  return path.endsWith(".table");
}

/** Reads a table of `count` user ids; BundleError naming the section if it is malformed. */
export function readIds(content: Uint8Array, count: number, where: string): IdColumn {
  const table = new TableFile(content, where, "ids", count);
  const ids = table.ids();
  table.end();
  return ids;
}

/** Reads a table of `count` items; BundleError naming the section if it is malformed. */
export function readItems(content: Uint8Array, count: number, where: string): ItemColumns {
  const table = new TableFile(content, where, "items", count);
  const ids = table.ids();
  const titles = table.texts("titles", count, table.titleBytes);
  const columns = { ...ids, titles, genres: table.genres(), popularity: table.popularity() };
  table.end();
  return columns;
}

/** A table whose sections are read one after another. */
class TableFile {
  readonly titleBytes: number;
  readonly #content: Uint8Array;
  readonly #where: string;
  readonly #kind: number;
  readonly #rows: number;
  readonly #sizes: { lists: number; members: number; names: number; idBytes: number; nameBytes: number };
  #position = HEADER_BYTES;

  constructor(content: Uint8Array, where: string, contents: keyof typeof CONTENTS, count: number) {
    this.#content = content.byteOffset % ALIGNMENT ? content.slice() : content; // typed arrays need alignment
    this.#where = where;
    if (content.length < HEADER_BYTES) this.#fail("header", `${HEADER_BYTES} bytes`, content.length);
    const magic = String.fromCharCode(...content.subarray(0, MAGIC.length));
    if (magic !== MAGIC) this.#fail("header", `a table file, which begins with '${MAGIC}'`, "other bytes");
    const fields = Array.from(new Uint32Array(this.#content.buffer, this.#content.byteOffset + FIELDS, 10));
    const [version, found, kind, rows, lists, members, names, idBytes, titleBytes, nameBytes] =
      fields as [number, number, number, number, number, number, number, number, number, number];
    if (version !== VERSION)
      this.#fail("version", `${VERSION}, the only one that this version of hanji reads`, version);
    if (found !== CONTENTS[contents]) this.#fail("contents", `${CONTENTS[contents]} (${contents})`, found);
    if (rows !== count) this.#fail("rows", `${count} (the manifest's count)`, rows);
    this.#kind = kind;
    this.#rows = rows;
    this.titleBytes = titleBytes;
    this.#sizes = { lists, members, names, idBytes, nameBytes };
  }

  ids(): IdColumn {
    if (this.#kind === KINDS.consecutive) return this.#consecutive();
    if (this.#kind === KINDS.integers) {
      const ids = this.#integers("ids", -Number.MAX_SAFE_INTEGER);
      const order = this.#order((one, other) => ids.value(one) - ids.value(other));
      return { ids, find: (id) => binarySearch(order, (row) => ids.value(row) - (id as number)) };
    }
    if (this.#kind !== KINDS.texts) this.#fail("kind of ids", "0, 1 or 2", this.#kind);
    const ids = this.texts("ids", this.#rows, this.#sizes.idBytes);
    const order = this.#order((one, other) => compareBytes(ids.bytes(one), ids.bytes(other)));
    const encoder = new TextEncoder();
    const find: Find<ExternalId> = (id) => {
      const bytes = encoder.encode(id as string);
      const row = binarySearch(order, (row) => compareBytes(ids.bytes(row), bytes));
      // A lone surrogate is encoded as U+FFFD.
      return row !== undefined && ids.at(row) === id ? row : undefined;
    };
    return { ids, find };
  }

  texts(name: string, rows: number, size: number): Texts {
    const offsets = this.#offsets(name, rows, size);
    const content = this.#bytes(name, size);
    this.#checkText(name, offsets, content);
    return new Texts(offsets, content);
  }

  genres(): TextLists {
    const { lists, members, names, nameBytes } = this.#sizes;
    const rows = this.#indices("genres", this.#rows, lists);
    const offsets = this.#offsets("genre lists", lists, members);
    const numbers = this.#indices("genre lists", members, names);
    return new TextLists(rows, offsets, numbers, this.texts("genre names", names, nameBytes));
  }

  popularity(): Float64Array {
    const counts = this.#integers("popularity", 0);
    return Float64Array.from({ length: this.#rows }, (_, row) => counts.value(row));
  }

  /** Checks that the file ends here. */
  end(): void {
    const found = this.#content.length;
    if (found !== this.#position)
      this.#fail("size", `${this.#position} bytes, according to its header`, found);
  }

  #consecutive(): IdColumn {
    const { buffer, byteOffset } = this.#content;
    const first = new Integers(new Int32Array(buffer, byteOffset + FIRST_ID, 2)).value(0);
    const last = first + this.#rows - 1;
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) {
      this.#fail("first id", `ids within ±${Number.MAX_SAFE_INTEGER}`, first);
    }
    const ids = new Consecutive(first, this.#rows);
    return { ids, find: (id) => ids.find(id as number) };
  }

  /** The rows by ascending id, after a check that the ids are sorted by them and unique. */
  #order(compare: (one: number, other: number) => number): Uint32Array {
    const order = this.#indices("order of ids", this.#rows, this.#rows);
    for (let index = 1; index < order.length; index++) {
      if (compare(word(order, index - 1), word(order, index)) >= 0) {
        this.#fail("ids", "unique ids in the order that the table states", "others");
      }
    }
    return order;
  }

  #offsets(name: string, rows: number, size: number): Uint32Array {
    const offsets = this.#words(`offsets of ${name}`, rows + 1);
    let isAscending = offsets[0] === 0 && offsets[rows] === size;
    for (let row = 0; row < rows; row++) {
      if (word(offsets, row) > word(offsets, row + 1)) isAscending = false;
    }
    if (!isAscending) this.#fail(`offsets of ${name}`, `ascending offsets from 0 to ${size}`, "others");
    return offsets;
  }

  /** Checks that the content is UTF-8 and that no offset is inside a character. */
  #checkText(name: string, offsets: Uint32Array, content: Uint8Array): void {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    try {
      for (let start = 0; start < content.length; start += BLOCK) {
        decoder.decode(content.subarray(start, start + BLOCK), { stream: true });
      }
      decoder.decode();
    } catch {
      this.#fail(name, "UTF-8", "other bytes");
    }
    for (const offset of offsets) {
      if (offset < content.length && (word(content, offset) & 0xc0) === 0x80) {
        this.#fail(name, "strings of whole characters", "an offset inside a character");
      }
    }
  }

  /** Numbers from 0 to `limit` - 1. */
  #indices(name: string, count: number, limit: number): Uint32Array {
    const indices = this.#words(name, count);
    if (indices.some((index) => index >= limit)) {
      this.#fail(name, `integers from 0 to ${limit - 1}`, "others");
    }
    return indices;
  }

  /** A column of integers from `smallest` to the largest one that is exact. */
  #integers(name: string, smallest: number): Integers {
    const bytes = this.#bytes(name, 8 * this.#rows);
    const integers = new Integers(new Int32Array(bytes.buffer, bytes.byteOffset, 2 * this.#rows));
    for (let row = 0; row < this.#rows; row++) {
      const value = integers.value(row);
      if (!(value >= smallest && value <= Number.MAX_SAFE_INTEGER)) {
        this.#fail(name, `integers from ${smallest} to ${Number.MAX_SAFE_INTEGER}`, "others");
      }
    }
    return integers;
  }

  #words(name: string, count: number): Uint32Array {
    const bytes = this.#bytes(name, 4 * count);
    return new Uint32Array(bytes.buffer, bytes.byteOffset, count);
  }

  #bytes(name: string, size: number): Uint8Array {
    const start = this.#position;
    const end = start + size;
    if (end > this.#content.length) {
      const left = Math.max(this.#content.length - start, 0);
      this.#fail(name, `${size} bytes from byte ${start} on`, left);
    }
    this.#position = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    return this.#content.subarray(start, end);
  }

  #fail(name: string, expected: string, found: unknown): never {
    throw new BundleError(
      `${this.#where}: ${name}: expected ${expected}, found ${String(found)}; export the bundle again`,
    );
  }
}
