/**
 * Bundles with right hashes and wrong contents: each opens and answers, or is refused with an error of
 * hanji's, and quickly. HANJI_MUTATIONS sets how many of each file, HANJI_MUTATIONS_SEED which.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { Classifier, HanjiError, Recommender } from "../../src/hanji/index.ts";
import { bundleFolder, hasBundle, optionsFor, URL_OF_BUNDLE } from "./files.ts";
import { withManifest, withManifestText, type Changes, type Json } from "./files.ts";

const COUNT = Number(process.env["HANJI_MUTATIONS"] ?? 15);
const MAX_MS = 5000;
let state = Number(process.env["HANJI_MUTATIONS_SEED"] ?? 1);
const random = (end: number): number => (state = (state * 48271) % 2147483647) % end;

const VALUES: Json[] = [
  ...[null, true, 0, -1, 1, 0.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308],
  ...["", " ", "a", "\0", "../x", "\u001b[31m", "\u202e", "\ud800", "0".repeat(5000)],
  ...["constructor", "__proto__"],
  ...[[], {}, [[]], [0], [""], { "": 0 }],
];

/** The value with one value in it replaced, doubled or removed. */
function mutated(value: Json): Json {
  const isParent = typeof value === "object" && value !== null && Object.keys(value).length > 0;
  if (!isParent || random(100) < 8) return VALUES[random(VALUES.length)];
  const keys = Object.keys(value);
  const key = keys[random(keys.length)] as string;
  const action = random(10);
  if (action === 0 && Array.isArray(value)) value.splice(Number(key), 1);
  else if (action === 0) delete value[key];
  else if (action === 1 && Array.isArray(value)) value.push(value[Number(key)]);
  else value[key] = mutated(value[key]);
  return value;
}

function replaced(name: "history" | "digits", file: string): Changes {
  const text = readFileSync(path.join(bundleFolder(name), file), "utf8");
  const content = Buffer.from(JSON.stringify(mutated(JSON.parse(text))));
  if (file === "manifest.json") return withManifestText(content.toString());
  const manifest = withManifest(name, ({ files, artifacts }) => {
    const entries = [...files, ...artifacts.flatMap((artifact: Json) => artifact.files)];
    const entry = entries.find((each: Json) => each.path === file);
    entry.bytes = content.length;
    entry.sha256 = createHash("sha256").update(content).digest("hex");
  });
  return { ...manifest, [file]: () => content };
}

async function use(name: "history" | "digits", changes: Changes): Promise<void> {
  const options = optionsFor(name, changes);
  if (name === "digits") {
    const classifier = await Classifier.open(URL_OF_BUNDLE, options);
    await classifier.selfTest().finally(() => classifier.close());
  } else {
    const recommender = await Recommender.open(URL_OF_BUNDLE, options);
    const known = recommender.items.ids.at(0) as number | string;
    await recommender
      .recommend({ history: [known] }, 5, { explain: 2 })
      .then(() => recommender.selfTest())
      .finally(() => recommender.close());
  }
}

describe.each([
  ["history", "manifest.json"],
  ["history", "items.json"],
  ["history", "golden.json"],
  ["history", "tfjs/model.json"],
  ["digits", "manifest.json"],
  ["digits", "labels.json"],
  ["digits", "golden.json"],
  ["digits", "tfjs/model.json"],
] as const)("%s: %s", (name, file) => {
  const options = { timeout: 3_600_000 };
  it.skipIf(!hasBundle(name))("with another value is refused or answers", options, async () => {
    for (let round = 0; round < COUNT; round++) {
      const [before, start] = [state, performance.now()];
      const error: unknown = await use(name, replaced(name, file)).catch((found: unknown) => found);
      const where = `${file}, state ${before}: ${error instanceof Error ? error.stack : String(error)}`;
      expect(error === undefined || error instanceof HanjiError, where).toBe(true);
      expect(performance.now() - start, where).toBeLessThan(MAX_MS);
    }
  });
});
