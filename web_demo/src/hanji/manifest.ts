/**
 * Reads and validates manifest.json: first against the runtime's JSON Schema, then with the consistency
 * checks that a schema cannot express.
 *
 * An unsupported `schema_version` is an error; unknown fields are ignored.
 */

import { Validator, type OutputUnit, type Schema } from "@cfworker/json-schema";
import schema from "../../../runtime/hanji/runtime/manifest.schema.json";
import { consistencyProblems } from "./consistency.ts";
import { BundleError, SchemaVersionError } from "./errors.ts";
import { isNumber, parseJson, Table } from "./json_table.ts";
import type { AnyManifest } from "./manifest.types.ts";

/** The second one is that of classifiers with an `output`. */
const SCHEMA_VERSIONS = [1, 2];

/**
 * Parses the manifest in `content` (UTF-8 JSON).
 *
 * SchemaVersionError for an unsupported version; BundleError naming the field if the manifest violates the
 * schema or is inconsistent.
 */
export function parseManifest(content: Uint8Array, where = "manifest.json"): AnyManifest {
  const value = parseJson(content, where);
  checkVersion(value, where);
  const problem = schemaProblem(value) ?? infinityIn(value, "");
  if (problem) throw new BundleError(`${where}: ${problem}; export the bundle again`);
  const manifest = value as AnyManifest; // validated against the schema
  for (const inconsistency of consistencyProblems(manifest)) {
    throw new BundleError(`${where}: ${inconsistency}; export the bundle again`);
  }
  return manifest;
}

function checkVersion(value: unknown, where: string): void {
  const version = new Table(value, where).integer("schema_version", 1, Number.MAX_SAFE_INTEGER);
  if (SCHEMA_VERSIONS.includes(version)) return;
  throw new SchemaVersionError(
    `${where}: schema_version: this loader reads versions ${SCHEMA_VERSIONS.join(" and ")}, found ` +
      `${version}; reload the page, or build the loader of a newer hanji`,
  );
}

function schemaProblem(value: unknown): string | undefined {
  // The inferred type of the JSON file is narrower than the package's schema type.
  const validator = new Validator(schema as Schema, "2020-12");
  const { valid, errors } = validator.validate(value);
  const last = errors.at(-1); // the preceding errors belong to enclosing schemas
  return valid || !last ? undefined : described(last);
}

/** A message such as "artifacts[0].files[1].path: …" from a validation error. */
function described({ instanceLocation, keyword, error }: OutputUnit): string {
  const field = fieldPath(instanceLocation);
  const missing = keyword === "required" ? /property "(.*)"/.exec(error)?.[1] : undefined;
  if (missing) return `${field ? `${field}.` : ""}${missing}: missing`;
  const expected = keyword === "pattern" && /path$/.test(field) ? PATH : error.replace(/\.$/, "");
  return field ? `${field}: ${expected}` : expected;
}

const PATH = "expected a relative path inside the bundle (separated by '/', without '..')";

function fieldPath(pointer: string): string {
  const parts = pointer
    .split("/")
    .slice(1)
    .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
  return parts.reduce((field, part) => {
    if (/^\d+$/.test(part)) return `${field}[${part}]`;
    return field ? `${field}.${part}` : part;
  }, "");
}

/** JSON allows 1e999, which JavaScript parses as Infinity and other parsers may reject. */
function infinityIn(value: unknown, field: string): string | undefined {
  if (typeof value === "number") return isNumber(value) ? undefined : `${field}: expected a finite number`;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, each] of Object.entries(value)) {
    const found = infinityIn(each, field ? `${field}.${key}` : key);
    if (found) return found;
  }
  return undefined;
}
