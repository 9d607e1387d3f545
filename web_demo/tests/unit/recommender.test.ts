/** Recommendations with TF.js (WebAssembly) in Node, compared with the Python runtime. */

import { describe, expect, it } from "vitest";
import {
  HanjiError,
  Recommender,
  UnknownIdError,
  type Item,
  type RecommendOptions,
} from "../../src/hanji/index.ts";
import { pythonResults, type BundleName, type PythonCall } from "../bundles.ts";
import { errorOf, hasBundle, optionsFor, URL_OF_BUNDLE, withJson, withManifest } from "./files.ts";

const NAMES = ["history", "users", "history-tables", "users-tables"] as const;
const opened = new Map<BundleName, Promise<Recommender>>();

function model(name: BundleName): Promise<Recommender> {
  const found = opened.get(name) ?? Recommender.open(URL_OF_BUNDLE, optionsFor(name));
  opened.set(name, found);
  return found;
}

describe.each(NAMES)("%s", (name) => {
  it.skipIf(!hasBundle(name))("passes its self-test", async () => {
    const recommender = await model(name);
    const test = await recommender.selfTest();
    expect(test).toMatchObject({ passed: true });
    expect(test.cases).toBeGreaterThan(5);
    expect(test.detail).toMatch(/^\d+ (users|histories), largest difference \S+ \(tolerance \S+\)$/);
    expect(recommender.placement).toMatchObject({ engine: "tfjs", backend: "wasm", threads: 1 });
    expect(recommender.takes).toBe(name.startsWith("users") ? "user" : "history");
  });
});

describe.skipIf(!pythonResults())("compared with Python", () => {
  const calls = pythonResults()?.onnxruntime ?? []; // float32 arithmetic, like TF.js
  it.each(calls.map((call) => [JSON.stringify(call.ask).slice(0, 50), call.k, call] as const))(
    "%s, k = %i",
    async (_, k, expected) => {
      const recommender = await model(expected.bundle);
      const recommending = recommender.recommend(expected.ask, k, optionsOf(expected));
      if (expected.error) {
        const error = await errorOf(recommending);
        expect({ name: error.name, message: error.message }).toEqual(expected.error);
        return;
      }
      const { items, ...rest } = await recommending;
      const { items: others, ...otherRest } = expected.answer as NonNullable<PythonCall["answer"]>;
      expect(rest).toEqual(otherRest);
      expect(items.length).toBe(others.length);
      const python = new Map(others.map((other) => [other.item, other]));
      for (const [index, { item, title, score, why }] of items.entries()) {
        const same = python.get(item);
        expect([item, title]).toEqual([same?.item, same?.title]);
        // Engines round differently: two items may only change places if their scores are equal but for that.
        if (item !== others[index]?.item) expect(same?.score).toBeCloseTo(others[index]?.score ?? NaN, 5);
        expect(score).toBeCloseTo(same?.score ?? NaN, 4);
        expect(why.map(({ item: reason }) => reason)).toEqual(same?.why.map(({ item: reason }) => reason));
      }
    },
  );
});

function optionsOf({ options: { genre, ...rest } }: PythonCall): RecommendOptions {
  if (genre === undefined) return rest;
  return { ...rest, filter: (item: Item) => item.genres.includes(genre) };
}

describe.skipIf(!hasBundle("history"))("a history", () => {
  it("yields reasons from its items, whose shares sum to 1", async () => {
    const recommender = await model("history");
    const history = recommender.items.ids.values.slice(10, 16);
    const [best] = (await recommender.recommend({ history }, 1, { explain: history.length })).items;
    const target = best?.item ?? 0;
    const reasons = await recommender.why(history, target, history.length);
    expect(reasons).toEqual(best?.why);
    expect(reasons.length).toBeGreaterThan(0);
    expect(reasons.every(({ item, contribution }) => history.includes(item) && contribution > 0)).toBe(true);
    expect(reasons.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
    expect((await errorOf(recommender.why(history, "nothing known"))).name).toBe("UnknownIdError");
    expect((await errorOf(recommender.why(history, target, 0))).message).toBe(
      "reasons: expected 1 or more, found 0",
    );
  });

  it("is scored only if it has a known item", async () => {
    const recommender = await model("history");
    const scores = await recommender.scores({ history: [recommender.items.ids.at(5)] });
    expect(scores).toBeInstanceOf(Float32Array);
    expect(scores.length).toBe(recommender.items.length);
    const error = await errorOf(recommender.scores({ history: ["who"] }));
    expect(error.message).toBe("history: expected at least one known item id, found none");
  });

  it("counts duplicates once, at their last position", async () => {
    const recommender = await model("history");
    const [first, second] = recommender.items.ids.values.slice(0, 2) as [number, number];
    const once = await recommender.scores({ history: [second, first] });
    const twice = await recommender.scores({ history: [first, second, String(first), first] });
    expect(twice).toEqual(once);
  });

  it("is the only query that the bundle accepts", async () => {
    const recommender = await model("history");
    const found = await errorOf(recommender.recommend({ user: 1 }));
    expect(found).toBeInstanceOf(HanjiError);
    expect(found.message).toBe(
      "expected { history: [ID, …] }: this bundle takes the user's history and has no users; " + "found user",
    );
    expect((await errorOf(recommender.recommend({}))).message).toMatch(/found neither user nor history$/);
    expect((await errorOf(recommender.recommend({ user: 1, history: [] }))).message).toMatch(
      /found user and history$/,
    );
  });

  it("with anything but ids is a TypeError", async () => {
    const recommender = await model("history");
    const bad = [null, 1.5, true, {}, NaN] as unknown as number[];
    for (const own of bad)
      expect((await errorOf(recommender.recommend({ history: [own] }))).name).toBe("TypeError");
    const text = "12" as unknown as number[];
    expect((await errorOf(recommender.recommend({ history: text }))).message).toBe(
      "history: expected an array of item ids, found '12'",
    );
  });

  it("with unknown items is an error if the manifest specifies that", async () => {
    const strict = withManifest("history", (manifest) => (manifest.ids.items.unknown = "error"));
    const recommender = await Recommender.open(URL_OF_BUNDLE, optionsFor("history", strict));
    const error = await errorOf(recommender.recommend({ history: ["who"] }));
    expect(error).toBeInstanceOf(UnknownIdError);
    expect(error.message).toMatch(
      /^item 'who' is unknown: expected one of the bundle's \d+ item ids, such as 1$/,
    );
    recommender.close();
  });

  it("fails the self-test if outputs differ from the golden ones", async () => {
    const other = withJson("history", "golden.json", (golden) => {
      golden.artifacts.tfjs.cases[0].scores[12] += 1;
      golden.artifacts.tfjs.cases[1].why.shares[0] += 1;
    });
    const recommender = await Recommender.open(URL_OF_BUNDLE, optionsFor("history", other));
    const test = await recommender.selfTest();
    recommender.close();
    expect(test.passed).toBe(false);
    expect(test.detail).toMatch(
      /; 2 failed, first: history of \d+ items starting with \d+: a score differs by 1$/,
    );
    const none = withJson("history", "golden.json", (golden) => delete golden.artifacts.tfjs);
    const without = await Recommender.open(URL_OF_BUNDLE, optionsFor("history", none));
    expect((await without.selfTest()).detail).toContain("has no cases for tfjs, which was not run at export");
    const broken = withJson("history", "golden.json", (golden) => golden.artifacts.tfjs.cases[0].top.pop());
    const malformed = await Recommender.open(URL_OF_BUNDLE, optionsFor("history", broken));
    expect((await errorOf(malformed.selfTest())).message).toContain("the 10 ids of 'top' first ('k' is 10)");
  });

  it("can be timed", async () => {
    const recommender = await model("history");
    const latency = await recommender.time(10, { history: recommender.items.ids.values.slice(0, 3) });
    expect(latency.runs).toBe(10);
    expect(latency.engineP50Ms).toBeLessThanOrEqual(latency.p50Ms);
    expect(latency.p50Ms).toBeLessThanOrEqual(latency.p90Ms);
    expect((await errorOf(recommender.time(0, {}))).name).toBe("RangeError");
  });
});
