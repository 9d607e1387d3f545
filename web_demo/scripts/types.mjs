// Makes src/hanji/manifest.types.ts from the runtime's own manifest.schema.json.
//
//   npm run types             write the file
//   npm run types -- --check  exit 1 if it is not what would be written

import { readFileSync, writeFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

const SCHEMA = new URL("../../runtime/hanji/runtime/manifest.schema.json", import.meta.url);
const TYPES = new URL("../src/hanji/manifest.types.ts", import.meta.url);
const BANNER =
  "// Made by `npm run types` from runtime/hanji/runtime/manifest.schema.json: change that, not this.\n";
const NAMES = {
  file: "FileEntry",
  tensor: "TensorInfo",
  signature: "Signature",
  artifact: "Artifact",
  parity: "Parity",
  picture: "PictureInput",
};
const NO_TYPES = new Set(["if", "then", "else", "oneOf", "not", "dependentRequired", "minItems", "maxItems"]);

const { $defs } = JSON.parse(readFileSync(SCHEMA, "utf8"));

/**
 * A schema with the definitions that have no name above written out, and without what TypeScript cannot say.
 */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  const { $ref, ...rest } = value;
  const name = $ref?.split("/").at(-1);
  if (name in NAMES) return { $ref };
  const whole = name ? merged($defs[name], rest) : rest;
  return Object.fromEntries(
    Object.entries(whole).flatMap(([key, each]) => (NO_TYPES.has(key) ? [] : [[key, plain(each)]])),
  );
}

/** Two schemas of one object as one: `more` adds fields and says more of those that are there. */
function merged(base, more) {
  const result = { ...base, ...more };
  for (const key of ["required"]) {
    if (base[key] || more[key]) result[key] = [...(base[key] ?? []), ...(more[key] ?? [])];
  }
  if (base.properties && more.properties) {
    result.properties = { ...base.properties };
    for (const [key, each] of Object.entries(more.properties)) {
      result.properties[key] = merged(base.properties[key] ?? {}, each);
    }
  }
  return result;
}

/**
 * What one task's manifest says; which signatures and agreements its artifacts have is checked, not typed.
 */
function manifestOf(task, title) {
  const { artifacts, ...properties } = $defs[task].properties;
  const known = { task: { enum: [task === "recommender" ? "recommendation" : "image-classification"] } };
  const more = { ...$defs[task], properties: { ...properties, ...known } };
  return { ...plain(merged($defs.manifest, more)), title };
}

/** All fields that a checked or unchecked artifact of either task may have. */
function parity() {
  const { parity: base, top10_parity: top10, top1_parity: top1 } = $defs;
  const fields = [base.then, base.else, top10.then, top1.then].map((each) => each.properties);
  return merged(base, { properties: Object.assign({}, ...fields) });
}

const named = Object.fromEntries(
  Object.entries(NAMES).map(([key, title]) => {
    const { $ref, ...own } = key === "parity" ? parity() : $defs[key];
    return [key, { ...plain(own), title }];
  }),
);
const manifests = {
  recommender_manifest: manifestOf("recommender", "RecommenderManifest"),
  classifier_manifest: manifestOf("classifier", "ClassifierManifest"),
};
const anyOf = Object.keys(manifests).map((key) => ({ $ref: `#/$defs/${key}` }));
const schema = { anyOf, $defs: { ...named, ...manifests } };
const types = await compile(schema, "AnyManifest", {
  bannerComment: BANNER,
  additionalProperties: false,
  style: { printWidth: 110 },
});
const text = types
  .replace(/^ \* This interface was referenced by .*\n \* via the .*\n/gm, "")
  .replace(/^\/\*\*\n \*\/\n/gm, "");

if (!process.argv.includes("--check")) {
  writeFileSync(TYPES, text);
} else if (readFileSync(TYPES, "utf8") !== text) {
  console.error("src/hanji/manifest.types.ts is not what manifest.schema.json says; run: npm run types");
  process.exit(1);
}
