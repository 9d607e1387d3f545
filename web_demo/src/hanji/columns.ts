/** Columns of a table file, read where they lie: a value is made when it is asked for. */

/** Values by index, like an array. */
export interface Column<T> {
  readonly length: number;
  /** The value at an index from 0 to `length` - 1. */
  at(index: number): T | undefined;
}

/** Returns the row of a value, undefined if no row has it. */
export type Find<T> = (value: T) => number | undefined;

/** All values of a column as an array. */
export function listed<T>(column: Column<T>): readonly T[] {
  if (Array.isArray(column)) return column as readonly T[];
  return Array.from({ length: column.length }, (_, index) => column.at(index) as T);
}

/** The `length` integers from `first` on. */
export class Consecutive implements Column<number> {
  constructor(
    private readonly first: number,
    readonly length: number,
  ) {}

  at(row: number): number | undefined {
    return row >= 0 && row < this.length ? this.first + row : undefined;
  }

  find(value: number): number | undefined {
    const row = value - this.first;
    return row >= 0 && row < this.length ? row : undefined;
  }
}

/** 64-bit integers that are exact as numbers; `words` has the lower and the upper half of each. */
export class Integers implements Column<number> {
  readonly length: number;

  constructor(private readonly words: Int32Array) {
    this.length = words.length / 2;
  }

  at(row: number): number | undefined {
    return row >= 0 && row < this.length ? this.value(row) : undefined;
  }

  /** The value of a row that exists. */
  value(row: number): number {
    return word(this.words, 2 * row + 1) * 2 ** 32 + (word(this.words, 2 * row) >>> 0);
  }
}

/** Strings in UTF-8: row i is `content` from `offsets[i]` to `offsets[i + 1]`. */
export class Texts implements Column<string> {
  readonly length: number;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(
    private readonly offsets: Uint32Array,
    private readonly content: Uint8Array,
  ) {
    this.length = offsets.length - 1;
  }

  at(row: number): string | undefined {
    return row >= 0 && row < this.length ? this.#decoder.decode(this.bytes(row)) : undefined;
  }

  /** The UTF-8 bytes of a row that exists. */
  bytes(row: number): Uint8Array {
    return this.content.subarray(word(this.offsets, row), word(this.offsets, row + 1));
  }
}

/** Lists of strings that rows share: row i has the list `lists[i]`, list j the `names` of its `members`. */
export class TextLists implements Column<readonly string[]> {
  readonly length: number;

  constructor(
    private readonly lists: Uint32Array,
    private readonly offsets: Uint32Array,
    private readonly members: Uint32Array,
    private readonly names: Texts,
  ) {
    this.length = lists.length;
  }

  at(row: number): readonly string[] | undefined {
    if (!(row >= 0 && row < this.length)) return undefined;
    const list = word(this.lists, row);
    const members = this.members.subarray(word(this.offsets, list), word(this.offsets, list + 1));
    return Array.from(members, (name) => this.names.at(name) ?? "");
  }
}

/** The row in `order`, rows by ascending value, for which `compare` is 0; it is negative for smaller ones. */
export function binarySearch(order: Uint32Array, compare: (row: number) => number): number | undefined {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(word(order, middle)) < 0) low = middle + 1;
    else high = middle;
  }
  const row = order[low];
  return row !== undefined && compare(row) === 0 ? row : undefined;
}

/** The order of two byte strings: negative, 0 or positive. */
export function compareBytes(one: Uint8Array, other: Uint8Array): number {
  const length = Math.min(one.length, other.length);
  for (let index = 0; index < length; index++) {
    const difference = word(one, index) - word(other, index);
    if (difference) return difference;
  }
  return one.length - other.length;
}

/** The element at an index that exists. */
export function word(array: Int32Array | Uint32Array | Uint8Array, index: number): number {
  return array[index] as number;
}
