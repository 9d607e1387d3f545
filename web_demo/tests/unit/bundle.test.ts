/**
 * Bundles that differ from the exported ones are rejected before the engine is used, with the right error
 * class and a clear message.
 */

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  BundleError,
  ChecksumError,
  Classifier,
  EngineError,
  Recommender,
  SchemaVersionError,
  type OpenOptions,
} from "../../src/hanji/index.ts";
import {
  bundleFolder,
  errorOf,
  hasBundle,
  optionsFor,
  URL_OF_BUNDLE,
  withManifest,
  withManifestText,
} from "./files.ts";
import type { Changes, Json } from "./files.ts";

function opened(changes: Changes, more: OpenOptions = {}): Promise<Error> {
  return errorOf(Recommender.open(URL_OF_BUNDLE, { ...optionsFor("history", changes), ...more }));
}

/** Flips one bit of the middle byte. */
function flipped(content: Buffer): Buffer {
  const copy = Buffer.from(content);
  const middle = copy.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 4;
  return copy;
}

const FILES = ["items.json", "tfjs/model.json", "tfjs/group1-shard1of1.bin"];

describe.skipIf(!hasBundle("history"))("a bundle", () => {
  it.each(FILES)("is rejected if one bit of %s is changed", async (name) => {
    const error = await opened({ [name]: flipped });
    expect(error).toBeInstanceOf(ChecksumError);
    expect(error.message).toMatch(
      new RegExp(
        `^${URL_OF_BUNDLE}${name}: expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}: the file is modified`,
      ),
    );
  });

  it.each(["manifest.json", "manifest.sha256"])("is rejected if one bit of %s is changed", async (name) => {
    const error = await opened({ [name]: flipped });
    expect(error).toBeInstanceOf(ChecksumError);
    expect(error.message).toMatch(
      /manifest\.json: its sha256 [0-9a-f]{64} does not match manifest\.sha256: /,
    );
    expect(error.message).toContain(
      "one of the two was modified or damaged; copy or export the bundle again",
    );
  });

  it("fails its self-test if one bit of golden.json is changed", async () => {
    const model = await Recommender.open(URL_OF_BUNDLE, optionsFor("history", { "golden.json": flipped }));
    expect(await errorOf(model.selfTest())).toBeInstanceOf(ChecksumError);
  });

  it.each(FILES)("is rejected if %s is too short or too long", async (name) => {
    const { length } = readFileSync(path.join(bundleFolder("history"), name));
    const cut = await opened({ [name]: (content) => content.subarray(0, -1) });
    expect(cut).toBeInstanceOf(ChecksumError);
    expect(cut.message).toContain(
      `expected ${length} bytes, found ${length - 1}: the file is truncated or modified`,
    );
    const long = await opened({ [name]: (content) => Buffer.concat([content, Buffer.from("\n")]) });
    expect(long.message).toContain(`expected ${length} bytes, found more`);
  });

  it("is never read beyond the sizes in its manifest", async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 2 ** 16;
        controller.enqueue(new Uint8Array(2 ** 16));
      },
    });
    const error = await opened({ "items.json": () => new Response(endless) });
    expect(error).toBeInstanceOf(ChecksumError);
    expect(sent).toBeLessThan(2 ** 20);
  });

  it.each(["manifest.json", "manifest.sha256", ...FILES])("is rejected without %s", async (name) => {
    const error = await opened({ [name]: () => null });
    expect(error).toBeInstanceOf(BundleError);
    expect(error.message).toBe(
      `${URL_OF_BUNDLE}${name}: the file is missing; copy or export the bundle again`,
    );
  });

  it("that is unreachable has other errors than one that is missing", async () => {
    const failing = await opened({
      "items.json": () => new Response("", { status: 503, statusText: "Busy" }),
    });
    expect(failing.message).toBe(`${URL_OF_BUNDLE}items.json: cannot be read: HTTP 503 Busy`);
    const offline = await opened({}, { fetch: () => Promise.reject(new TypeError("Failed to fetch")) });
    expect(offline).toBeInstanceOf(BundleError);
    expect(offline.message).toContain("manifest.json: cannot be read: Failed to fetch");
  });

  it("of a newer schema version is rejected regardless of its other fields", async () => {
    const error = await opened(withManifestText('{"schema_version": 3}'));
    expect(error).toBeInstanceOf(SchemaVersionError);
    expect(error.message).toContain("schema_version: this loader reads versions 1 and 2, found 3");
  });

  it.each([
    "../secret",
    "/etc/passwd",
    "https://elsewhere.test/x",
    "a//b",
    "..%2fx",
    "a\\b",
    "a/../b",
    ".hidden",
  ])("with the path %s is rejected before any other file is fetched", async (name) => {
    const requested: string[] = [];
    const edit = (manifest: Json) => {
      manifest.files[0].path = name;
      manifest.ids.items.path = name;
    };
    const { fetch } = optionsFor("history", withManifest("history", edit), requested);
    const error = await errorOf(
      Recommender.open(URL_OF_BUNDLE, { ...optionsFor("history"), ...(fetch && { fetch }) }),
    );
    expect(error).toBeInstanceOf(BundleError);
    expect(error.message).toContain("path: expected a relative path inside the bundle");
    expect(requested).toEqual([`${URL_OF_BUNDLE}manifest.json`, `${URL_OF_BUNDLE}manifest.sha256`]);
  });

  it("whose manifest is not a JSON object in UTF-8 is rejected", async () => {
    for (const text of ["{", "[]", "null", '"text"', "{}", '\uFEFF{"schema_version": 1}']) {
      expect(await opened(withManifestText(text)), text).toBeInstanceOf(BundleError);
    }
  });

  it("of the other task is rejected, with the name of the class to use", async () => {
    const error = await errorOf(Classifier.open(URL_OF_BUNDLE, optionsFor("history")));
    expect(error).toBeInstanceOf(BundleError);
    expect(error.message).toContain(
      "a bundle for recommendation, which a Classifier cannot open; try: Recommender.open",
    );
  });

  it("is downloaded only as far as the engine needs it, each file once", async () => {
    const requested: string[] = [];
    const progress: [number, number][] = [];
    const options = optionsFor("history", {}, requested);
    const model = await Recommender.open(URL_OF_BUNDLE, {
      ...options,
      onProgress: (loaded, total) => progress.push([loaded, total]),
    });
    const names = requested.map((url) => url.slice(URL_OF_BUNDLE.length));
    expect(names.sort()).toEqual(["manifest.json", "manifest.sha256", ...FILES].sort());
    const [loaded, total] = progress.at(-1) ?? [0, 1];
    expect(loaded).toBe(total);
    const { opening } = model;
    expect(opening.files.map(({ path }) => path)).toEqual(["manifest.json", ...FILES]);
    expect(opening.downloadedBytes).toBe(opening.files.reduce((sum, { bytes }) => sum + bytes, 0));
    model.close();
    expect((await errorOf(model.scores({ history: [model.items.ids.at(0)] }))).message).toContain(
      "is closed",
    );
  });

  it("that no engine can run is rejected with the reason", async () => {
    const old = withManifest("history", (manifest) => {
      manifest.artifacts.find(({ format }: Json) => format === "tfjs").engines[0].oldest_version = "99.1";
    });
    const error = await opened(old);
    expect(error).toBeInstanceOf(EngineError);
    expect(error.message).toMatch(
      /engine 'tfjs' cannot run this bundle: this model needs version 99.1 or newer, found 4/,
    );
    const none = withManifest("history", (manifest) => {
      manifest.artifacts = manifest.artifacts.filter(({ format }: Json) => format !== "tfjs");
    });
    expect((await opened(none)).message).toContain(
      "the bundle has no artifact for it, only tflite for litert, onnx for onnxruntime",
    );
  });

  it("is rejected without WebCrypto", async () => {
    const { crypto } = globalThis;
    Object.defineProperty(globalThis, "crypto", { configurable: true, value: {} });
    try {
      expect((await opened({})).message).toContain("serve the page over https, or from localhost");
    } finally {
      Object.defineProperty(globalThis, "crypto", { configurable: true, value: crypto });
    }
  });
});
