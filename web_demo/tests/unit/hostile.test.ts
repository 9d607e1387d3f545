/** Bundles with right hashes whose model or JSON files no bundle may have are refused. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { checkTensors } from "../../src/hanji/engines/tensor_check.ts";
import { checkTflite } from "../../src/hanji/engines/tflite_file.ts";
import { parseJson } from "../../src/hanji/json_table.ts";
import { BundleError, EngineError, HanjiError, Recommender } from "../../src/hanji/index.ts";
import { hostileFiles } from "../bundles.ts";
import { bundleFolder, errorOf, hasBundle, optionsFor, URL_OF_BUNDLE, withManifest } from "./files.ts";
import type { Changes, Json } from "./files.ts";

const HOSTILE = hostileFiles();

/** The history bundle with another file and its hash. */
function replaced(file: string, content: Buffer): Changes {
  const manifest = withManifest("history", ({ artifacts }) => {
    const files = artifacts.flatMap((artifact: Json) => artifact.files);
    const entry = files.find((each: Json) => each.path === file);
    entry.bytes = content.length;
    entry.sha256 = createHash("sha256").update(content).digest("hex");
  });
  return { ...manifest, [file]: () => content };
}

/** What the check of a .tflite file throws. */
function refusal(content: Uint8Array, path: string): Error | undefined {
  try {
    checkTflite(content, path);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

describe.skipIf(!HOSTILE.length)("a TF.js model", () => {
  it.each(HOSTILE.filter((file) => file.path.endsWith(".json")))("is refused: $name", async (file) => {
    const changes = replaced(file.path, Buffer.from(file.content, "base64"));
    const error = await errorOf(Recommender.open(URL_OF_BUNDLE, optionsFor("history", changes)));
    expect(error).toBeInstanceOf(HanjiError);
    expect(error.message).toContain(file.path);
    expect(error.message).toContain(file.message);
  });

  it("is refused if its tensors are not those of the manifest", async () => {
    for (const [kind, edit] of [
      ["input", (tensor: Json) => (tensor.shape = [null, 2])],
      ["input", (tensor: Json) => (tensor.name = "other_history")],
      ["output", (tensor: Json) => (tensor.name = "other")],
    ] as const) {
      const changes = withManifest("history", ({ artifacts }) => {
        const { signatures } = artifacts.find(({ format }: Json) => format === "tfjs");
        edit(signatures.history[`${kind}s`][0]);
      });
      const error = await errorOf(Recommender.open(URL_OF_BUNDLE, optionsFor("history", changes)));
      expect(error).toBeInstanceOf(EngineError);
      expect(error.message).toMatch(`expected an ${kind} '`);
    }
  });
});

describe.skipIf(!HOSTILE.length)("a .tflite file", () => {
  it.each(HOSTILE.filter((file) => file.path.endsWith(".tflite")))("is refused: $name", (file) => {
    const error = refusal(Buffer.from(file.content, "base64"), file.path);
    if (!error) throw new Error("nothing was thrown");
    if (error instanceof RangeError && file.message === file.path) return; // the engine adds the path
    expect(error.message).toContain(file.message);
    if (error instanceof EngineError) expect(error.message).toContain(file.path);
  });

  it("of a bundle is accepted", () => {
    for (const name of ["history", "users", "digits"] as const) {
      const file = path.join(bundleFolder(name), "model.tflite");
      if (hasBundle(name) && existsSync(file)) checkTflite(readFileSync(file), file);
    }
  });

  it("with random damage is refused or harmless", () => {
    const content = readFileSync(path.join(bundleFolder("history"), "model.tflite"));
    let state = 1;
    const random = (end: number) => (state = (state * 48271) % 2147483647) % end;
    for (let round = 0; round < 500; round++) {
      const damaged = Uint8Array.from(content);
      for (let change = 0; change <= random(4); change++) damaged[random(damaged.length)] = random(256);
      const error = refusal(damaged, "model.tflite");
      expect(error === undefined || error instanceof EngineError || error instanceof RangeError).toBe(true);
    }
  });
});

describe("tensors", () => {
  const signature = {
    path: "model.tflite",
    inputs: [{ name: "user", dtype: "int32" as const, shape: [1], scale: null, zero_point: null }],
    outputs: [{ name: "scores", dtype: "float32" as const, shape: [null], scale: null, zero_point: null }],
  };
  const inputs = [{ name: "user", dtype: "int32", shape: [-1] }];
  const outputs = [{ name: "scores", dtype: "float32", shape: [30] }];
  const check = (found: Parameters<typeof checkTensors>[3]) =>
    checkTensors("model.tflite", "catalogue", signature, found);

  it("fit if what is known is the same", () => {
    check({ inputs, outputs });
    check({ inputs: [{ name: "user" }], outputs: [{ name: "scores", shape: [] }] });
  });

  it.each([
    [{ inputs: [], outputs }, /expected an input 'user': int32 \[1\] as in the manifest, found ;/],
    [{ inputs: [{ name: "user", dtype: "float32" }], outputs }, /found float32 \[\]/],
    [{ inputs: [{ name: "user", shape: [2] }], outputs }, /found unknown \[2\]/],
    [{ inputs, outputs: [{ name: "scores", shape: [3, 4] }] }, /output 'scores': .* found unknown \[3, 4\]/],
  ])("differ: %j", (found, message) => {
    expect(() => check(found)).toThrow(message);
  });
});

describe("JSON", () => {
  const parse = (text: string) => parseJson(new TextEncoder().encode(text), "items.json");

  it("of ordinary structure is read", () => {
    const text = '{"a": [{"a": "\\"x\\\\"}, {"a": 1}], "b": ["a", "a", ":"], "c\\\\": {}}';
    expect(parse(text)).toEqual(JSON.parse(text));
    expect(parse("[".repeat(200) + "]".repeat(200))).toBeDefined();
  });

  it.each([
    ['{"a": 1, "b": 2, "a": 3}', /the name "a" occurs twice/],
    ['{"a": 1, "\\u0061": 3}', /occurs twice/],
    ['[{"x": {"a": 1, "a" : 3}}]', /the name "a" occurs twice/],
    ["[".repeat(201) + "]".repeat(201), /more than 200 levels/],
    ['{"a":'.repeat(300) + "1" + "}".repeat(300), /more than 200 levels/],
  ])("is refused: %.40s", (text, message) => {
    expect(() => parse(text)).toThrow(BundleError);
    expect(() => parse(text)).toThrow(message);
  });

  it("that is too large is refused before it is decoded", () => {
    expect(() => parseJson({ length: 2 ** 27 + 1 } as Uint8Array, "items.json")).toThrow(
      /items\.json: expected at most 134217728 bytes, found 134217729/,
    );
  });
});
