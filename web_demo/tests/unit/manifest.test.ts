/** Validation of the manifest: its schema and the consistency checks. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { BundleError } from "../../src/hanji/errors.ts";
import { parseManifest } from "../../src/hanji/manifest.ts";
import { bundleFolder, hasBundle, type Json, withOutput } from "./files.ts";
import type { BundleName } from "../bundles.ts";

function problem(name: BundleName, edit: (manifest: Json) => void): string {
  const text = readFileSync(path.join(bundleFolder(name), "manifest.json"), "utf8");
  const manifest = JSON.parse(text) as Json;
  edit(manifest);
  try {
    parseManifest(new TextEncoder().encode(JSON.stringify(manifest)));
  } catch (error) {
    expect(error).toBeInstanceOf(BundleError);
    return (error as Error).message;
  }
  return "";
}

const SCHEMA: [string, (manifest: Json) => void, RegExp][] = [
  [
    "a missing field",
    (m) => delete m.artifacts[1].format,
    /artifacts\[1\]\.format: missing; export the bundle again$/,
  ],
  ["a missing field at the top", (m) => delete m.seed, /^manifest.json: seed: missing/],
  ["an invalid digest", (m) => (m.files[0].sha256 = "F".repeat(64)), /files\[0\]\.sha256: /],
  ["a size that is not an integer", (m) => (m.files[0].bytes = 1.5), /files\[0\]\.bytes: /],
  ["an unknown task", (m) => (m.task = "translation"), /task: /],
  [
    "both main signatures",
    (m) => (m.artifacts[0].signatures.catalogue = m.artifacts[0].signatures.history),
    /signatures/,
  ],
  ["an unknown policy", (m) => (m.ids.items.unknown = "guess"), /ids\.items\.unknown: /],
];

const RULES: [string, (manifest: Json) => void, RegExp][] = [
  [
    "two artifacts of one format",
    (m) => (m.artifacts[1].format = "tflite"),
    /expected one artifact per format/,
  ],
  ["a duplicate path", (m) => (m.files[1].path = m.files[0].path.toUpperCase()), /listed twice/],
  [
    "a signature whose file is not in the artifact",
    (m) => (m.artifacts[0].signatures.history.path = "x"),
    /'x' is not/,
  ],
  [
    "a golden file that is not listed",
    (m) => (m.golden = "g.json"),
    /golden: 'g.json' is not among the bundle's files/,
  ],
  [
    "items that are not listed",
    (m) => (m.ids.items.path = "i.json"),
    /ids.items.path: 'i.json' is not among/,
  ],
  [
    "an item count that differs from the output shape",
    (m) => (m.ids.items.count += 1),
    /outputs\[0\]\.shape: expected \[\d+\] \(ids.items.count\)/,
  ],
  [
    "users in a bundle that takes a history",
    (m) => (m.ids.users = { ...m.ids.items, unknown: "error" }),
    /expected ids.users if and only if there is a signature 'catalogue', found 'history' with ids.users/,
  ],
];

const IMAGES: [string, (manifest: Json) => void, RegExp][] = [
  [
    "an input shape that differs from the image size",
    (m) => (m.picture.width += 1),
    /inputs\[0\]\.shape: expected \[1, 8, 9, 1\] as specified by 'picture'/,
  ],
  [
    "a class count that differs from the output shape",
    (m) => (m.labels.count += 1),
    /outputs\[0\]\.shape: expected \[1, 11\] \(labels.count\)/,
  ],
  [
    "pixel values as int8",
    (m) => (m.artifacts[0].signatures.classify.inputs[0].dtype = "int8"),
    /dtype: expected one of uint8, int32/,
  ],
  [
    "an int64 output",
    (m) => (m.artifacts[0].signatures.classify.outputs[0].dtype = "int64"),
    /one of float32, uint8, int8/,
  ],
  [
    "an int8 output without a scale",
    (m) => (m.artifacts[0].signatures.classify.outputs[0].dtype = "int8"),
    /expected a scale and a zero_point for dtype int8, found null/,
  ],
  ["three means for one channel", (m) => (m.picture.mean = [1, 2, 3]), /picture\.mean/],
  ["a std of 0", (m) => (m.picture.std = [0]), /picture\.std\[0\]: /],
];

const HALVES = Array<number>(10).fill(0.5);
const labelled = (thresholds: number[]): Json => ({ kind: "multi-label", thresholds });
const OUTPUTS: [string, Json, string, RegExp][] = [
  ["too few thresholds", labelled([0.5]), "graph", /thresholds: expected 10 .*found 1/],
  ["a softmax", labelled(HALVES), "softmax", /source: expected graph for multi-label/],
  ["a threshold above 1", labelled([...HALVES, 2]), "graph", /output\.thresholds\[10\]/],
  ["no units", { kind: "values", units: [] }, "none", /units: expected 10 \(labels\.count\), found 0/],
  ["probabilities", { kind: "values", units: Array(10).fill("") }, "graph", /expected none for values/],
  ["an unknown kind", { kind: "boxes" }, "none", /output\.kind/],
  ["nothing", undefined, "none", /output: missing/],
];

describe.skipIf(!hasBundle("history"))("the manifest of a recommender", () => {
  it("may have unknown fields", () => {
    expect(problem("history", (manifest) => (manifest.later = { anything: [1] }))).toBe("");
  });
  it.each([...SCHEMA, ...RULES])("with %s is rejected", (_, edit, message) => {
    expect(problem("history", edit)).toMatch(message);
  });
  it("with a number that overflows is rejected", () => {
    const text = readFileSync(path.join(bundleFolder("history"), "manifest.json"), "utf8");
    const edited = text.replace(/"hr_at_10": [0-9.]+/, '"hr_at_10": 1e999');
    const parse = () => parseManifest(new TextEncoder().encode(edited));
    expect(parse).toThrow(/metrics\.compressed\.hr_at_10: expected a finite number/);
  });
});

describe.skipIf(!hasBundle("digits"))("the manifest of a classifier", () => {
  it.each(IMAGES)("with %s is rejected", (_, edit, message) => {
    expect(problem("digits", edit)).toMatch(message);
  });
  it.each(OUTPUTS)("of version 2 with %s is rejected", (_, output, source, message) => {
    expect(problem("digits", (manifest) => withOutput(manifest, output, source))).toMatch(message);
  });
  it("of version 1 has no output, whatever it contains", () => {
    expect(problem("digits", (manifest) => (manifest.output = { kind: "boxes" }))).toBe("");
  });
});
