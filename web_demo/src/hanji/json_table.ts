/**
 * Reads JSON objects field by field, like `hanji.runtime.json_table`; every error names the file and the
 * field.
 */

import { BundleError } from "./errors.ts";
import type { ExternalId } from "./ids.ts";
import { checkStructure } from "./json_structure.ts";
import { shown } from "./text.ts";

/** Bytes of a JSON file: tables of more are table files. */
const LARGEST = 2 ** 27;

/**
 * Parses UTF-8 JSON; BundleError if it is malformed, too large, nested too deep, or has a name twice in an
 * object. `where` names the file in errors.
 */
export function parseJson(content: Uint8Array, where: string): unknown {
  if (content.length > LARGEST) {
    throw new BundleError(`${where}: expected at most ${LARGEST} bytes, found ${content.length}`);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
    const value: unknown = JSON.parse(text);
    checkStructure(text);
    return value;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BundleError(`${where}: not a valid JSON file: ${reason}; export the bundle again`);
  }
}

/** A JSON object and its location, for error messages. */
export class Table {
  readonly where: string;
  readonly #fields: Record<string, unknown>;

  constructor(value: unknown, where: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) fail(where, "an object", value);
    this.#fields = value as Record<string, unknown>; // checked above
    this.where = where;
  }

  /** Parses a file whose top-level value is an object. */
  static parse(content: Uint8Array, where: string): Table {
    return new Table(parseJson(content, where), where);
  }

  /** The object itself. */
  get fields(): Record<string, unknown> {
    return this.#fields;
  }

  get keys(): string[] {
    return Object.keys(this.#fields);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#fields, key);
  }

  /** Throws the BundleError for a field with an unexpected value. */
  fail(key: string, expected: string): never {
    fail(this.#at(key), expected, this.#fields[key]);
  }

  text(key: string): string {
    const value = this.#get(key);
    return typeof value === "string" ? value : this.fail(key, "a string");
  }

  integer(key: string, smallest: number, largest: number): number {
    const value = this.#get(key);
    if (!Number.isSafeInteger(value) || (value as number) < smallest || (value as number) > largest) {
      this.fail(key, `an integer from ${smallest} to ${largest}`);
    }
    return value as number; // a safe integer is a number
  }

  /** A finite, non-negative number. */
  magnitude(key: string): number {
    const value = this.#get(key);
    return isNumber(value) && value >= 0 ? value : this.fail(key, "a finite number of at least 0");
  }

  array(key: string, shortest = 0): unknown[] {
    const value = this.#get(key);
    if (Array.isArray(value) && value.length >= shortest) return value;
    return this.fail(key, shortest ? `an array of at least ${shortest} entries` : "an array");
  }

  /** Finite numbers as doubles. */
  numbers(key: string): Float64Array {
    const values = this.array(key, 1);
    return values.every(isNumber) ? Float64Array.from(values) : this.fail(key, "an array of numbers");
  }

  texts(key: string): string[] {
    const values = this.array(key);
    return values.every((value) => typeof value === "string")
      ? values
      : this.fail(key, "an array of strings");
  }

  /** External ids: unique, and all integers or all strings. */
  ids(key: string): ExternalId[] {
    const values = this.array(key, 1);
    const valid = values.every(Number.isSafeInteger) || values.every((value) => typeof value === "string");
    if (!valid) this.fail(key, `ids that are all strings or all integers within ±${Number.MAX_SAFE_INTEGER}`);
    if (new Set(values).size !== values.length) this.fail(key, "unique ids");
    return values as ExternalId[]; // checked above
  }

  id(key: string): ExternalId {
    const value = this.#get(key);
    if (typeof value === "string" || Number.isSafeInteger(value)) return value as ExternalId; // as checked
    return this.fail(key, `an id: a string or an integer within ±${Number.MAX_SAFE_INTEGER}`);
  }

  table(key: string): Table {
    return new Table(this.#get(key), this.#at(key));
  }

  tables(key: string, shortest = 0): Table[] {
    return this.array(key, shortest).map((value, index) => new Table(value, `${this.#at(key)}[${index}]`));
  }

  namedTables(key: string): Map<string, Table> {
    const table = this.table(key);
    return new Map(table.keys.map((name) => [name, table.table(name)]));
  }

  #get(key: string): unknown {
    if (!this.has(key)) throw new BundleError(`${this.#at(key)}: missing; export the bundle again`);
    return this.#fields[key];
  }

  #at(key: string): string {
    return `${this.where}${this.where.endsWith(".json") ? ": " : "."}${key}`;
  }
}

/** Whether a value is a finite number on every platform; 1e999 in JSON becomes Infinity. */
export function isNumber(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= 1e308;
}

function fail(where: string, expected: string, found: unknown): never {
  throw new BundleError(`${where}: expected ${expected}, found ${shown(found)}; export the bundle again`);
}
