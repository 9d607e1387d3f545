/**
 * Reads manifest.json: the schema is the runtime's own file, the rest is what a schema cannot say.
 *
 * A reader refuses a `schema_version` it does not know and ignores fields it does not know.
 */

import { Validator, type OutputUnit, type Schema } from "@cfworker/json-schema";
import schema from "../../../runtime/hanji/runtime/manifest.schema.json";
import { consistencyProblems } from "./consistency.ts";
import { BundleError, SchemaVersionError } from "./errors.ts";
import { isNumber, parseJson, Table } from "./json_table.ts";
import type { AnyManifest } from "./manifest.types.ts";

const SCHEMA_VERSION = 1;

/**
 * The manifest in `content` (UTF-8 JSON).
 *
 * SchemaVersionError for a version this reader does not know, BundleError naming the field for anything that
 * the schema or the consistency of the fields forbids.
 */
export function parseManifest(content: Uint8Array, where = "manifest.json"): AnyManifest {
  const value = parseJson(content, where);
  checkVersion(value, where);
  const problem = schemaProblem(value) ?? infinityIn(value, "");
  if (problem) throw new BundleError(`${where}: ${problem}; export the bundle again`);
  const manifest = value as AnyManifest; // as the schema says
  for (const inconsistency of consistencyProblems(manifest)) {
    throw new BundleError(`${where}: ${inconsistency}; export the bundle again`);
  }
  return manifest;
}

function checkVersion(value: unknown, where: string): void {
  const version = new Table(value, where).integer("schema_version", 1, Number.MAX_SAFE_INTEGER);
  if (version === SCHEMA_VERSION) return;
  throw new SchemaVersionError(
    `${where}: schema_version: this loader reads version ${SCHEMA_VERSION}, found ${version}; ` +
      "reload the page, or build the loader of a newer hanji",
  );
}

function schemaProblem(value: unknown): string | undefined {
  // The types of the JSON file are narrower than the package's own type of a schema.
  const validator = new Validator(schema as Schema, "2020-12");
  const { valid, errors } = validator.validate(value);
  const last = errors.at(-1); // the others say which part of the schema led there
  return valid || !last ? undefined : described(last);
}

/** "artifacts[0].files[1].path: …", from where in the document the validator stopped. */
function described({ instanceLocation, keyword, error }: OutputUnit): string {
  const place = placeOf(instanceLocation);
  const missing = keyword === "required" ? /property "(.*)"/.exec(error)?.[1] : undefined;
  if (missing) return `${place ? `${place}.` : ""}${missing}: missing`;
  const expected = keyword === "pattern" && /path$/.test(place) ? PATH : error.replace(/\.$/, "");
  return place ? `${place}: ${expected}` : expected;
}

const PATH = "expected a path that stays inside the bundle (relative, no '..', '/' between the parts)";

function placeOf(pointer: string): string {
  const parts = pointer
    .split("/")
    .slice(1)
    .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
  return parts.reduce((place, part) => {
    if (/^\d+$/.test(part)) return `${place}[${part}]`;
    return place ? `${place}.${part}` : part;
  }, "");
}

/** JSON allows 1e999, which becomes infinity here and is no number elsewhere. */
function infinityIn(value: unknown, place: string): string | undefined {
  if (typeof value === "number") return isNumber(value) ? undefined : `${place}: expected a finite number`;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, each] of Object.entries(value)) {
    const found = infinityIn(each, place ? `${place}.${key}` : key);
    if (found) return found;
  }
  return undefined;
}
