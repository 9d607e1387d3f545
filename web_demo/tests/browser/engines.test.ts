/** Both engines in a real browser, on the golden inputs of the bundles and compared with Python. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { lab as Lab } from "../../lab/main.ts";
import type { AnyManifest } from "../../src/hanji/manifest.types.ts";
import { bundleFolder, hasBundle, pythonResults } from "../bundles.ts";
import { launch } from "./chromium.ts";

declare const lab: typeof Lab; // exists in the browser

let browser: Browser;
let page: Page;
const logged: string[] = [];
const requested: string[] = [];

beforeAll(async () => {
  browser = await launch();
  page = await browser.newPage();
  page.on("console", (message) => logged.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => logged.push(error.message));
  page.on("request", (request) => requested.push(request.url()));
  await page.goto(inject("labUrl"));
  await page.waitForFunction(() => "lab" in globalThis);
});

afterAll(async () => {
  await browser?.close();
});

interface GoldenCase {
  history?: (number | string)[];
  user?: number | string;
  top: (number | string)[];
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The cases recorded in Python with the engine of the format. */
function goldenCases(name: "history" | "users", format: string): GoldenCase[] {
  const golden = JSON.parse(readFileSync(path.join(bundleFolder(name), "golden.json"), "utf8"));
  return golden.artifacts[format].cases;
}

const ENGINES = [
  { engine: "tfjs", format: "tfjs" },
  { engine: "litert", format: "tflite" },
] as const;
const RECOMMENDERS = [
  { name: "history", url: "bundles/films/" },
  { name: "users", url: "bundles/users/" },
] as const;

describe.each(ENGINES)("$engine", ({ engine, format }) => {
  describe.each(RECOMMENDERS)("$name", ({ name, url }) => {
    it.skipIf(!hasBundle(name))(
      "ranks every golden input like the engine of its format in Python",
      async () => {
        const cases = goldenCases(name, format);
        const found = await page.evaluate(
          async ({ engine, url, cases }) => {
            const model = await lab.RemoteRecommender.open(url, { engine });
            const test = await model.selfTest();
            const tops = [];
            for (const { user, history } of cases) {
              const query = history ? { history } : { user: user as number };
              const { items } = await model.recommend(query, 10, { excludeSeen: false });
              tops.push(items.map(({ item }) => item));
            }
            const { placement, opening } = model;
            model.close();
            return { test, tops, placement, opening };
          },
          { engine, url, cases },
        );
        expect(found.test.detail).not.toContain("failed");
        expect(found.test.passed).toBe(true);
        expect(found.tops).toEqual(cases.map(({ top }) => top));
        expect(found.placement).toMatchObject({ engine, backend: "wasm", threads: 1 });
        expect(found.opening.files.some((file) => file.path === "golden.json")).toBe(false);
      },
    );
  });

  it.skipIf(!hasBundle("digits"))("classifies digits and passes the self-test", async () => {
    const found = await page.evaluate(async (engine) => {
      const model = await lab.RemoteClassifier.open("bundles/digits/", { engine });
      const test = await model.selfTest();
      const pixels = { data: new Uint8Array(64).fill(128), width: 8, height: 8, channels: 1 } as const;
      const { predictions } = await model.classify(pixels, 3);
      model.close();
      return { test, predictions };
    }, engine);
    expect(found.test).toMatchObject({ passed: true });
    expect(found.predictions.map(({ rank }) => rank)).toEqual([1, 2, 3]);
  });

  it("reports a damaged file with the same error as without a worker", async () => {
    await page.route("**/bundles/films/items.json", async (route) => {
      const response = await route.fetch();
      const body = await response.body();
      body[0] = (body[0] ?? 0) ^ 1;
      await route.fulfill({ response, body });
    });
    const found = await page.evaluate(async (engine) => {
      const error = await lab.RemoteRecommender.open("bundles/films/", { engine }).catch(
        (each: unknown) => each,
      );
      const { ChecksumError } = lab.loader;
      return { isChecksum: error instanceof ChecksumError, message: (error as Error).message };
    }, engine);
    await page.unroute("**/bundles/films/items.json");
    expect(found.isChecksum).toBe(true);
    expect(found.message).toContain("items.json: expected sha256");
  });
});

describe.skipIf(!pythonResults())("LiteRT.js compared with LiteRT in Python", () => {
  it.each(RECOMMENDERS)("computes bit-identical scores for $name", async ({ name, url }) => {
    const expected = pythonResults()?.litert_scores.filter(({ bundle }) => bundle === name) ?? [];
    expect(expected.length).toBe(20);
    const queries = expected.map(({ ask }) => ask);
    const found = await page.evaluate(
      async ({ url, queries }) => {
        const model = await lab.RemoteRecommender.open(url, { engine: "litert" });
        const all = [];
        for (const query of queries) all.push([...new Uint8Array((await model.scores(query)).buffer)]);
        model.close();
        return all;
      },
      { url, queries },
    );
    expect(found).toEqual(expected.map(({ scores }) => [...Buffer.from(scores, "base64")]));
  });

  it("returns the same order and identical scores", async () => {
    const calls = (pythonResults()?.litert ?? []).filter(({ answer, options: { genre, explain } }) => {
      return answer && genre === undefined && explain === undefined; // a filter cannot be sent to a worker
    });
    const found = await page.evaluate(async (calls) => {
      const model = { history: await open("bundles/films/"), users: await open("bundles/users/") };
      const all = [];
      for (const { bundle, ask, k, options } of calls) {
        const { items } = await model[bundle as "history" | "users"].recommend(ask, k, options);
        all.push(items.map(({ item, score }) => [item, score]));
      }
      model.history.close();
      model.users.close();
      return all;

      function open(url: string) {
        return lab.RemoteRecommender.open(url, { engine: "litert" });
      }
    }, calls);
    expect(found).toEqual(calls.map(({ answer }) => answer?.items.map(({ item, score }) => [item, score])));
  });

  it("computes the probabilities of int8 digits up to the last bits of the softmax", async () => {
    const found = await page.evaluate(async () => {
      const model = await lab.RemoteClassifier.open("bundles/digits/", { engine: "litert" });
      const golden = await (await fetch("bundles/digits/golden.json")).json();
      const { width, height, channels } = model.imageInput;
      const all: number[][] = [];
      for (const { image } of golden.artifacts.tflite.cases) {
        const data = Uint8Array.from(atob(image), (character) => character.charCodeAt(0));
        const probabilities = await model.probabilities({ data, width, height, channels });
        all.push([...new Int32Array(probabilities.buffer)]);
      }
      model.close();
      return all;
    });
    const expected = pythonResults()?.digits_litert.map((text) => new Int32Array(bytesOf(text)));
    // A difference of one step in an int8 logit would change a probability by several percent, about 100,000
    // units in the last place, so the int8 network is bit-identical. The float32 softmax rounds exp
    // differently in WebAssembly.
    const units = found.flatMap((row, sample) =>
      row.map((bits, index) => bits - (expected?.[sample]?.[index] ?? 0)),
    );
    expect(units.length).toBeGreaterThan(50);
    expect(Math.max(...units.map(Math.abs))).toBeLessThanOrEqual(4);
  });
});

function bytesOf(text: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(text, "base64")).buffer;
}

it("rejects `why` on LiteRT.js, and supports it on TF.js", async () => {
  const found = await page.evaluate(async () => {
    const model = await lab.RemoteRecommender.open("bundles/films/", { engine: "litert" });
    const history = model.items.ids.values.slice(0, 3);
    const [error, tfjs] = await Promise.all([
      model.why(history, history[0] as number).catch((each: unknown) => each),
      lab.RemoteRecommender.open("bundles/films/"),
    ]);
    const reasons = await tfjs.why(history, history[0] as number);
    model.close();
    tfjs.close();
    const isHanji = error instanceof lab.loader.HanjiError;
    return { isHanji, message: (error as Error).message, reasons: reasons.length };
  });
  expect(found.isHanji).toBe(true);
  expect(found.message).toContain("open the bundle with the engine tfjs");
  expect(found.reasons).toBeGreaterThan(0);
});

it.each(["cpu", "webgl"] as const)("runs on the TF.js backend %s", async (backend) => {
  const found = await page.evaluate(async (backend) => {
    const model = await lab.RemoteRecommender.open("bundles/films/", { backend });
    const test = await model.selfTest();
    const { placement } = model;
    model.close();
    return { test, placement };
  }, backend);
  expect(found).toMatchObject({ test: { passed: true }, placement: { backend } });
});

it("rejects unavailable backends and engines without a fallback", async () => {
  const messages = await page.evaluate(async () => {
    const options = [
      { engine: "litert", backend: "webgl" },
      { engine: "onnx" },
      { wasmPath: "nowhere/" },
    ] as const;
    const opened = options.map((each) => lab.RemoteRecommender.open("bundles/films/", each as object));
    const results = await Promise.allSettled(opened);
    return results.map((result) =>
      result.status === "rejected" ? `${result.reason.name}: ${result.reason.message}` : "opened",
    );
  });
  expect(messages[0]).toContain("EngineError: backend: expected wasm");
  expect(messages[1]).toContain("engine: expected tfjs or litert, found 'onnx'");
  expect(messages[2]).toMatch(/^EngineError: tfjs 4\.\d+\.\d+: wasm cannot be used here/);
  logged.length = 0; // Emscripten logs the missing folder, which is expected
});

it.each([
  { engine: "tfjs", file: "tfjs/model.json", content: '{"modelTopology": {}, "weightsManifest": []}' },
  { engine: "litert", file: "model.tflite", content: "TFL3 not a model" },
] as const)("reports that $engine rejects an invalid model with a matching checksum", async (broken) => {
  const folder = path.join(inject("bundles"), "films");
  const manifest = JSON.parse(readFileSync(path.join(folder, "manifest.json"), "utf8")) as AnyManifest;
  const entry = manifest.artifacts.flatMap(({ files }) => files).find((file) => file.path === broken.file);
  Object.assign(entry ?? {}, { bytes: broken.content.length, sha256: sha256(broken.content) });
  const text = JSON.stringify(manifest);
  const bodies: Record<string, string> = {
    "manifest.json": text,
    "manifest.sha256": `${sha256(text)}  manifest.json\n`,
    [broken.file]: broken.content,
  };
  for (const [name, body] of Object.entries(bodies)) {
    await page.route(`**/bundles/films/${name}`, (route) => route.fulfill({ body }));
  }
  const message = await page.evaluate(async (engine) => {
    const error = await lab.RemoteRecommender.open("bundles/films/", { engine }).catch(
      (each: unknown) => each,
    );
    return `${(error as Error).name}: ${(error as Error).message}`;
  }, broken.engine);
  for (const name of Object.keys(bodies)) await page.unroute(`**/bundles/films/${name}`);
  expect(message).toMatch(/^EngineError: (tfjs|litert) \d+\.\d+\.\d+ rejected /);
});

it("also runs without a worker", async () => {
  const found = await page.evaluate(async () => {
    const engines = ["tfjs", "litert"] as const;
    const tests = [];
    for (const engine of engines) {
      const model = await lab.loader.Recommender.open("bundles/films/", { engine });
      tests.push(await model.selfTest());
      model.close();
    }
    return tests.map(({ passed }) => passed);
  });
  expect(found).toEqual([true, true]);
});

it("measures latency in the worker", async () => {
  const latency = await page.evaluate(async () => {
    const model = await lab.RemoteRecommender.open("bundles/films/");
    const found = await model.time(20, { history: model.items.ids.values.slice(0, 5) });
    model.close();
    return found;
  });
  expect(latency.runs).toBe(20);
  expect(latency.p50Ms).toBeGreaterThan(0);
  expect(latency.p50Ms).toBeLessThanOrEqual(latency.p99Ms);
  expect(latency.engineP50Ms).toBeLessThanOrEqual(latency.p50Ms);
});

it("requests only its own origin, and logs nothing", () => {
  const own = inject("labUrl");
  expect(requested.filter((url) => !url.startsWith(own) && !url.startsWith("data:"))).toEqual([]);
  expect(logged).toEqual([]);
});
