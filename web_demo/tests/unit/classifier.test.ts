/** Classification with TF.js (WebAssembly) in Node. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { Classifier, HanjiError, ImageError, type PixelArray } from "../../src/hanji/index.ts";
import { parseImageGolden } from "../../src/hanji/image_golden.ts";
import { bundleFolder, errorOf, hasBundle, optionsFor, URL_OF_BUNDLE, withManifest } from "./files.ts";
import { withJson, withOutput } from "./files.ts";

const GREY: PixelArray = { data: new Uint8Array(100).fill(200), width: 10, height: 10, channels: 1 };

function labelled(thresholds: number[]): ReturnType<typeof withManifest> {
  return withManifest("digits", (manifest) =>
    withOutput(manifest, { kind: "multi-label", thresholds }, "graph"),
  );
}

function open(changes = {}): Promise<Classifier> {
  return Classifier.open(URL_OF_BUNDLE, optionsFor("digits", changes));
}

describe.skipIf(!hasBundle("digits"))("a classifier", () => {
  it("passes its self-test, and predicts the recorded labels of the golden images", async () => {
    const classifier = await open();
    const test = await classifier.selfTest();
    expect(test).toMatchObject({ passed: true });
    expect(test.detail).toMatch(
      /^\d+ preprocessing cases, \d+ images, largest difference \S+ \(tolerance \S+\)$/,
    );
    const content = readFileSync(path.join(bundleFolder("digits"), "golden.json"));
    const golden = parseImageGolden(content, classifier.imageInput, classifier.labels.length);
    const { height, width, channels } = classifier.imageInput;
    for (const { image, label } of golden.artifacts.get("tfjs")?.cases ?? []) {
      const { predictions } = await classifier.classify({ data: image, height, width, channels }, 1);
      expect(predictions[0]).toMatchObject({ rank: 1, index: label, label: classifier.labels[label] });
    }
    classifier.close();
  });

  it("fails its self-test if a prepared image or a probability differs", async () => {
    const other = withJson("digits", "golden.json", (golden) => {
      golden.preparation[0].prepared = Buffer.alloc(64, 3).toString("base64");
      golden.artifacts.tfjs.cases[1].probabilities[0] += 0.9;
    });
    const test = await (await open(other)).selfTest();
    expect(test.passed).toBe(false);
    expect(test.detail).toMatch(
      /; 2 failed, first: image 0 \(\d+ × \d+\) is preprocessed differently than at export$/,
    );
  });

  it("compares values relative to their sizes", async () => {
    for (const [size, passed] of [
      [1, true],
      [1e-9, false],
    ] as const) {
      const other = withJson("digits", "golden.json", (golden) => {
        golden.artifacts.tfjs.tolerance = 0.01;
        for (const each of golden.artifacts.tfjs.cases) {
          each.sizes = Array<number>(10).fill(1);
          each.sizes[3] = size;
          each.probabilities[3] += 1e-3;
        }
      });
      expect(await (await open(other)).selfTest()).toMatchObject({ passed });
    }
  });

  it("fails its self-test if the artifact did not run at export", async () => {
    const none = withJson("digits", "golden.json", (golden) => delete golden.artifacts.tfjs);
    expect(await (await open(none)).selfTest()).toMatchObject({
      passed: false,
      cases: 0,
      detail: "golden.json has no cases for tfjs, which was not run at export",
    });
  });

  it("returns the k best classes, or all, in order", async () => {
    const classifier = await open();
    const { predictions } = await classifier.classify(GREY, 99);
    expect(predictions.length).toBe(classifier.labels.length);
    expect(predictions.map(({ rank }) => rank)).toEqual(predictions.map((_, index) => index + 1));
    const sorted = predictions.map(({ probability }) => probability);
    expect(sorted).toEqual(sorted.toSorted((left, right) => right - left));
    expect(sorted.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    expect((await errorOf(classifier.classify(GREY, 0))).message).toBe("k=0: expected 1 or more");
  });

  it("accepts an ImageData, which has four channels", async () => {
    const classifier = await open();
    const data = new Uint8ClampedArray(400).map((_, index) => (index % 4 === 3 ? 255 : 200));
    // Node has no ImageData
    const image = { data, width: 10, height: 10, colorSpace: "srgb" } as unknown as ImageData;
    expect(await classifier.probabilities(image)).toEqual(await classifier.probabilities(GREY));
  });

  it("returns class names in the languages of the bundle", async () => {
    const names = withJson("digits", "labels.json", (labels) => {
      labels.names = { ko: ["영", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구"] };
    });
    const classifier = await open(names);
    const { predictions } = await classifier.classify(GREY, 10, { language: "ko" });
    expect(predictions.find(({ index }) => index === 3)).toMatchObject({ label: "3", name: "삼" });
    const error = await errorOf(classifier.classify(GREY, 1, { language: "de" }));
    expect(error).toBeInstanceOf(HanjiError);
    expect(error.message).toBe("language: expected a language of the bundle (ko), found 'de'");
    expect((await errorOf((await open()).classify(GREY, 1, { language: "de" }))).message).toContain(
      "(none), found 'de'",
    );
  });

  it("returns the labels that reach their threshold, best first, which may be none", async () => {
    const expected = await (await open()).probabilities(GREY);
    const best = expected.indexOf(Math.max(...expected));
    const thresholds = Array.from(expected, (value, index) => (index === best ? 1 : index % 2 ? value : 0.9));
    const classifier = await open(labelled(thresholds));
    const { predictions } = await classifier.classify(GREY);
    const reached = Array.from(expected.keys()).filter((index) => index % 2 && index !== best);
    expect(predictions.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(reached);
    const sorted = predictions.map(({ probability }) => probability);
    expect(sorted).toEqual(sorted.toSorted((left, right) => right - left));
    expect((await classifier.classify(GREY, 1)).predictions).toEqual(predictions.slice(0, 1));
    expect(await classifier.answer(GREY)).toEqual({ predictions });
    expect(await classifier.selfTest()).toMatchObject({ passed: true });
    const none = await open(labelled(Array<number>(10).fill(1)));
    expect(await none.classify(GREY)).toEqual({ predictions: [] });
    expect((await errorOf(none.estimate(GREY))).message).toBe(
      "a model of probabilities of classes; call classify() instead",
    );
  });

  it("estimates values", async () => {
    const units = ["years", ...Array<string>(9).fill("")];
    const output = { kind: "values", units };
    const model = await open(withManifest("digits", (manifest) => withOutput(manifest, output, "none")));
    const { values } = await model.estimate(GREY);
    const expected = await (await open()).probabilities(GREY);
    expect(values.map(({ value }) => value)).toEqual(Array.from(expected));
    expect(values.map(({ unit }) => unit)).toEqual(units);
    expect(values[3]).toMatchObject({ label: "3", name: "3" });
    expect(await model.answer(GREY)).toEqual({ values });
    expect(await model.time(2, GREY)).toMatchObject({ runs: 2 });
    for (const failing of [model.classify(GREY), model.probabilities(GREY)]) {
      expect((await errorOf(failing)).message).toBe("a model of values; call estimate() instead");
    }
  });

  it("rejects labels whose number differs from the number of classes", async () => {
    const short = withJson("digits", "labels.json", (labels) => labels.labels.pop());
    expect((await errorOf(open(short))).message).toMatch(
      /^labels.json: labels: expected 10 names .*, found an array of length 9/,
    );
  });

  it("rejects an input dtype that TF.js does not support", async () => {
    const odd = withManifest("digits", (manifest) => {
      manifest.artifacts[2].signatures.classify.inputs[0].dtype = "uint8";
    });
    expect((await errorOf(open(odd))).message).toContain("tfjs supports int32 and float32");
  });

  it.each([
    [null, "found null"],
    [{ data: [1, 2], width: 1, height: 2, channels: 1 }, "found an array of length 2"],
    [{ data: new Uint8Array(4), width: 2, height: 1, channels: 2 }, "found 2"],
    [{ data: new Uint8Array(5), width: 2, height: 2, channels: 1 }, "expected 2 × 2 × 1 = 4 bytes, found 5"],
    [
      { data: new Uint8Array(0), width: 0, height: 2, channels: 1 },
      "expected at least one pixel, found 0 × 2",
    ],
    [{ data: new Float32Array(4), width: 2, height: 2, channels: 1 }, "found Float32Array"],
  ])("rejects invalid pixel data (%#)", async (pixels, message) => {
    const error = await errorOf((await open()).classify(pixels as PixelArray));
    expect(error).toBeInstanceOf(ImageError);
    expect(error.message).toContain(message);
  });
});
