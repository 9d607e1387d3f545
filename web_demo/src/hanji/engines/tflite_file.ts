/**
 * Checks of a .tflite file before an engine reads it: its structure, operators, types and sizes, like
 * `hanji.runtime.engines.tflite_file`. Fields have their numbers in the order of schema.fbs.
 */

import { tflite, tflite_refused } from "../../../../export/hanji/export/formats/operators.json";
import { EngineError } from "../errors.ts";

/** Elements of a tensor: 1 GiB of float32. */
const LARGEST = 2 ** 28;
/** Entries of all lists of a file. Tables may share them, so that a small file may have many to read. */
const MOST = 2 ** 19;
const CUSTOM = 32;
/** FILL and BROADCAST_TO: which input is the shape of their output. */
const SHAPED: Record<number, number> = { 94: 0, 130: 1 };
/** The index of an input that is left out: one of the first two only by LSTM and RNN. */
const LEFT_OUT = -1;
const RECURRENT = [16, 24, 35, 44, 46, 52];
const REQUIRED = 2;
const SPLIT = 49;
const SPLIT_OPTIONS = 35;
/** Inputs of STRIDED_SLICE, SPLIT, SLICE and BATCH_MATMUL, which LiteRT does not count. */
const FEWEST: Record<number, number> = { 45: 4, [SPLIT]: 2, 65: 3, 126: 2 };
const SUMS = [0, 41];
/** ADD, SUB, comparisons, LOG, SQRT, RSQRT and others with scales that LiteRT does not check. */
const SCALED = [...SUMS, 58, 61, 62, 63, 71, 72, 73, 75, 76, 99, 114, 126];
const INTEGERS = [3, 7, 9];
const LEAST_SCALE = 2 ** -62;
const LARGEST_RATIO = 2 ** 14;
const INT64 = 4;
const TYPES: Record<number, string> = { 5: "text", 13: "resources", 14: "variants" };

const KNOWN = new Set<number>(Object.values(tflite));
const NAMES = new Map<number, string>(Object.entries(tflite_refused).map(([name, kind]) => [kind, name]));

/**
 * Throws an EngineError for content that a bundle may not have: an operator that is not in the list, a graph
 * without a signature, text, a resource, or too large a tensor; a RangeError for a malformed file.
 */
export function checkTflite(content: Uint8Array, path: string): void {
  const problem = problems(new Flatbuffer(content)).next().value;
  if (problem === undefined) return;
  throw new EngineError(
    `${path}: ${problem}, which no bundle may; build the model without it, and export the bundle again`,
  );
}

/** Reads tables at positions; a RangeError for one that is not inside the file. */
class Flatbuffer {
  readonly #view: DataView;
  #entriesLeft = MOST;

  constructor({ buffer, byteOffset, byteLength }: Uint8Array) {
    this.#view = new DataView(buffer, byteOffset, byteLength);
  }

  table(position: number): number {
    return position + this.#view.getUint32(position, true);
  }

  /** A number in a table; 0 by default. */
  value(table: number, number: number, type: "Uint32" | "Int32" | "Int8" | "Uint8" = "Uint32"): number {
    const position = this.#field(table, number);
    return position ? this.#view[`get${type}`](position, true) : 0;
  }

  /** The position of a table in a table; a RangeError if there is none. */
  child(table: number, number: number): number {
    const position = this.#field(table, number);
    if (!position) throw new RangeError("a table is missing");
    return this.table(position);
  }

  /** Whether a vector of bytes, of any length, has some; a RangeError unless it is inside the file. */
  hasBytes(table: number, number: number): boolean {
    const { start, count } = this.#vector(table, number);
    if (count > this.#view.byteLength - start) throw new RangeError("a constant ends after the file");
    return count > 0;
  }

  /** The numbers in a vector. */
  numbers(table: number, number: number, type: "Int32" | "Uint32" | "Float32" = "Int32"): number[] {
    const { start, count } = this.#entries(table, number);
    return Array.from({ length: count }, (_, index) => this.#view[`get${type}`](start + 4 * index, true));
  }

  /** The bytes in a vector. */
  bytes(table: number, number: number): Uint8Array {
    const { start, count } = this.#entries(table, number);
    this.hasBytes(table, number);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + start, count);
  }

  /** The positions of the tables in a vector. */
  tables(table: number, number: number): number[] {
    const { start } = this.#vector(table, number);
    return this.numbers(table, number, "Uint32").map((offset, index) => start + 4 * index + offset);
  }

  #entries(table: number, number: number): { start: number; count: number } {
    const found = this.#vector(table, number);
    this.#entriesLeft -= found.count;
    if (this.#entriesLeft < 0) throw new RangeError(`lists of more than ${grouped(MOST)} entries`);
    return found;
  }

  #vector(table: number, number: number): { start: number; count: number } {
    const position = this.#field(table, number);
    if (!position) return { start: 0, count: 0 };
    const start = this.table(position);
    return { start: start + 4, count: this.#view.getUint32(start, true) };
  }

  /** The position of a field, 0 if the table does not have it. */
  #field(table: number, number: number): number {
    const slots = table - this.#view.getInt32(table, true);
    const slot = 4 + 2 * number;
    const offset = slot < this.#view.getUint16(slots, true) ? this.#view.getUint16(slots + slot, true) : 0;
    return offset ? table + offset : 0;
  }
}

/** What the file does that it should not. */
function* problems(file: Flatbuffer): Generator<string, undefined> {
  const model = file.table(0);
  const kinds: number[] = [];
  for (const code of file.tables(model, 1)) {
    const kind = Math.max(file.value(code, 0, "Int8"), file.value(code, 3, "Int32"));
    const custom = kind === CUSTOM ? ` ${new TextDecoder().decode(file.bytes(code, 1))}` : "";
    if (!KNOWN.has(kind)) yield `it contains the operator ${NAMES.get(kind) ?? kind}${custom}`;
    kinds.push(kind);
  }
  const graphs = file.tables(model, 2);
  const signatures = new Set<number>();
  for (const signature of file.tables(model, 7)) {
    const graph = file.value(signature, 4);
    signatures.add(graph);
    const tensors = file.tables(entry(graph, graphs), 0);
    for (const number of [0, 1]) {
      for (const end of file.tables(signature, number)) entry(file.value(end, 1), tensors);
    }
  }
  if (graphs.length !== Math.max(1, signatures.size)) {
    yield `it contains ${graphs.length} graphs for ${signatures.size} signatures`;
  }
  const constants = file.tables(model, 4);
  const filled = constants.map((buffer) => file.hasBytes(buffer, 0) || file.value(buffer, 1) > 0);
  for (const graph of graphs) yield* graphProblems(file, graph, kinds, { constants, filled });
  return undefined;
}

interface Buffers {
  constants: number[];
  filled: boolean[];
}

/** What a graph does that it should not; a RangeError for operators that do not fit together. */
function* graphProblems(file: Flatbuffer, graph: number, kinds: number[], buffers: Buffers) {
  const tensors = file.tables(graph, 0);
  const sizes = tensors.map((tensor) => Math.abs(product(file.numbers(tensor, 0))));
  const known = tensors.map(
    (tensor, index) =>
      entry(file.value(tensor, 2), buffers.filled) || !sizes[index] || !!file.value(tensor, 5, "Uint8"),
  );
  const set = (indices: number[]) => {
    for (const index of indices) {
      entry(index, known);
      known[index] = true;
    }
  };
  set(file.numbers(graph, 1));
  for (const operator of file.tables(graph, 3)) {
    const kind = entry(file.value(operator, 0), kinds);
    const inputs = file.numbers(operator, 1);
    expectKnown(inputs, known, kind);
    const outputs = file.numbers(operator, 2);
    set(outputs);
    expectTensors(file, operator, kind, { inputs: inputs.length, outputs: outputs.length });
    if (SCALED.includes(kind)) {
      const used = [...inputs, ...outputs.slice(0, 1)];
      expectScales(
        file,
        kind,
        used.map((index) => entry(index, tensors)),
      );
    }
    const place = SHAPED[kind];
    if (place !== undefined) {
      const tensor = entry(entry(place, inputs), tensors);
      sizes.push(product(values(file, tensor, entry(file.value(tensor, 2), buffers.constants))));
    }
  }
  const outputs = file.numbers(graph, 2);
  if (!outputs.length) throw new RangeError("a graph has no outputs");
  expectKnown(outputs, known);
  for (const tensor of tensors) {
    const type = TYPES[file.value(tensor, 1, "Int8")];
    if (type) yield `it computes with ${type}`;
  }
  const size = sizes.reduce((largest, each) => Math.max(largest, each), 0);
  if (size > LARGEST) {
    yield `it makes a tensor of ${grouped(size)} elements, more than ${grouped(LARGEST)}`;
  }
}

/** A RangeError for a tensor that an operator of this kind needs and that nothing has computed. */
function expectKnown(tensors: number[], known: boolean[], kind = 0): void {
  for (const [place, index] of tensors.entries()) {
    if (index === LEFT_OUT && (place >= REQUIRED || RECURRENT.includes(kind))) continue;
    if (!entry(index, known)) throw new RangeError(`tensor ${index} is read before it is computed`);
  }
}

/** A RangeError for an operator with fewer tensors than LiteRT reads. */
function expectTensors(
  file: Flatbuffer,
  operator: number,
  kind: number,
  count: { inputs: number; outputs: number },
): void {
  let isSplit = true;
  if (kind === SPLIT) {
    const hasOptions = file.value(operator, 3, "Uint8") === SPLIT_OPTIONS;
    isSplit = hasOptions && file.value(file.child(operator, 4), 0, "Int32") === count.outputs;
  }
  if (!count.outputs || count.inputs < (FEWEST[kind] ?? 0) || !isSplit)
    throw new RangeError(`tensors of operator ${kind} are missing`);
}

/** A RangeError for tensors of 8 or 16 bits with scales that LiteRT aborts for. */
function expectScales(file: Flatbuffer, kind: number, tensors: number[]): void {
  const integers = tensors.filter((tensor) => INTEGERS.includes(file.value(tensor, 1, "Int8")));
  const scales = integers.flatMap((tensor) => {
    const found = file.numbers(file.child(tensor, 4), 2, "Float32");
    return found.length ? found : [0];
  });
  const last = scales.at(-1) ?? 1;
  const isUsable = scales.every((scale) => scale > LEAST_SCALE && scale < 1 / LEAST_SCALE);
  const isEven = !SUMS.includes(kind) || scales.every((scale) => scale < LARGEST_RATIO * last);
  if (!isUsable || !isEven) throw new RangeError("a tensor has no usable scale");
}

/** The integers in a constant; [0] if there are none. */
function values(file: Flatbuffer, tensor: number, constant: number): number[] {
  const isLong = file.value(tensor, 1, "Int8") === INT64;
  const content = file.bytes(constant, 0).slice(); // aligned
  const found = isLong
    ? Array.from(new BigInt64Array(content.buffer), Number)
    : Array.from(new Int32Array(content.buffer));
  return found.length ? found : [0];
}

function product(values: number[]): number {
  return values.reduce((total, each) => total * each, 1);
}

/** The entry at `index`; a RangeError if there is none. */
function entry<T>(index: number, entries: T[]): T {
  if (index >= 0 && index < entries.length) return entries[index] as T;
  throw new RangeError(`expected an index below ${entries.length}, found ${index}`);
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
