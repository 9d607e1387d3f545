/** Top-k, diversity, tensors, probabilities, and formatting of numbers and ids. */

import { describe, expect, it } from "vitest";
import { isAtLeast } from "../../src/hanji/engines/base.ts";
import type { ImageInput, TensorInfo } from "../../src/hanji/manifest.types.ts";
import { diversified } from "../../src/hanji/rerank.ts";
import { areFinite, dequantized, ImageTensor, probabilitiesOf } from "../../src/hanji/tensors.ts";
import { formatNumber, quoted, shown } from "../../src/hanji/text.ts";
import { topK } from "../../src/hanji/top_k.ts";

describe("topK", () => {
  it("sorts by descending score, ties by lowest index", () => {
    expect(topK(Float32Array.of(1, 3, 2, 3, 3, -1), 3)).toEqual([1, 3, 4]);
    expect(topK(Float32Array.of(0, 0, 0), 2)).toEqual([0, 1]);
    expect(topK(Float32Array.of(-Infinity, 5, -Infinity), 3)).toEqual([1, 0, 2]);
  });
  it("agrees with sorting, including ties", () => {
    let seed = 1;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (let trial = 0; trial < 50; trial++) {
      const scores = Float32Array.from({ length: 300 }, () => Math.round(random() * 40));
      const sorted = [...scores.keys()].sort(
        (left, right) => (scores[right] ?? 0) - (scores[left] ?? 0) || left - right,
      );
      for (const k of [1, 10, 150, 300]) expect(topK(scores, k)).toEqual(sorted.slice(0, k));
    }
  });
});

describe("diversified", () => {
  it("selects the best item first and then dissimilar ones", () => {
    const genres = [["Drama"], ["Drama"], ["Comedy"], []];
    expect(diversified(Float64Array.of(4, 3.9, 3, 1), genres, 3, 0.5)).toEqual([0, 2, 3]);
    expect(diversified(Float64Array.of(4, 3.9, 3, 1), genres, 9, 0)).toEqual([0, 1, 2, 3]);
    expect(diversified(Float64Array.of(1, 1), [["a"], ["a"]], 2, 0.5)).toEqual([0, 1]);
  });
});

describe("tensors", () => {
  const imageInput: ImageInput = {
    height: 1,
    width: 2,
    channels: 1,
    fit: "crop",
    resize: "bilinear",
    background: [0, 0, 0],
    mean: [128],
    std: [64],
    normalized_by: "runtime",
  };
  const tensor: TensorInfo = {
    name: "x",
    dtype: "float32",
    shape: [1, 1, 2, 1],
    scale: null,
    zero_point: null,
  };
  it("hold unchanged pixel values if the graph normalizes", () => {
    const plain = new ImageTensor({ ...imageInput, normalized_by: "graph" }, { ...tensor, dtype: "int32" });
    const { data, shape } = plain.of(Uint8Array.of(0, 255));
    expect(data).toEqual(Int32Array.of(0, 255));
    expect(shape).toEqual([1, 1, 2, 1]);
  });
  it("hold normalized values otherwise, rounded half to even and clamped to the dtype", () => {
    expect(new ImageTensor(imageInput, tensor).of(Uint8Array.of(0, 160)).data).toEqual(
      Float32Array.of(-2, 0.5),
    );
    const int8: TensorInfo = { ...tensor, dtype: "int8", scale: 0.2, zero_point: 3 };
    expect(new ImageTensor(imageInput, int8).of(Uint8Array.of(0, 160)).data).toEqual(Int8Array.of(-7, 5));
    const fine: TensorInfo = { ...tensor, dtype: "uint8", scale: 0.001, zero_point: 10 };
    expect(new ImageTensor(imageInput, fine).of(Uint8Array.of(0, 255)).data).toEqual(Uint8Array.of(0, 255));
  });
  it("are dequantized as (value - zero_point) · scale", () => {
    const output: TensorInfo = { ...tensor, dtype: "int8", scale: 0.5, zero_point: -2 };
    expect(dequantized(Int8Array.of(-2, 4), output)).toEqual(Float32Array.of(0, 3));
  });
  it("are converted by softmax without overflow", () => {
    const found = probabilitiesOf(Float32Array.of(1000, 1000, 0), { source: "softmax", temperature: 2 });
    expect([...found]).toEqual([0.5, 0.5, 0]);
    const same = Float32Array.of(3, 4);
    expect(probabilitiesOf(same, { source: "none", temperature: 1 })).toBe(same);
  });
  it("are checked for finite values", () => {
    expect([Float32Array.of(1), Float32Array.of(NaN), Float32Array.of(Infinity)].map(areFinite)).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("formatting", () => {
  it("formats numbers like Python's %.3g", () => {
    const numbers = [
      0, 1, 0.00825974, 0.0285293, 123456, 999.5, 1.5e-7, 0.0001, 0.00001234, 2.5, 100, 0.30000001,
    ];
    const expected = [
      "0",
      "1",
      "0.00826",
      "0.0285",
      "1.23e+05",
      "1e+03",
      "1.5e-07",
      "0.0001",
      "1.23e-05",
      "2.5",
      "100",
      "0.3",
    ];
    expect(numbers.map(formatNumber)).toEqual(expected);
  });
  it("quotes ids like Python's repr", () => {
    expect([7, "a", "it's", `'"`, "a\nb\\"].map(quoted)).toEqual([
      "7",
      "'a'",
      `"it's"`,
      `'\\'"'`,
      "'a\\nb\\\\'",
    ]);
  });
  it("describes any value briefly", () => {
    const values = [null, undefined, [1, 2], {}, () => 1, true, new Uint8Array(1), "x".repeat(99)];
    const found = values.map(shown);
    expect(found.slice(0, 7)).toEqual([
      "null",
      "nothing",
      "an array of length 2",
      "an object",
      "a function",
      "true",
      "Uint8Array",
    ]);
    expect(found[7]?.length).toBe(61);
  });
  it("compares versions numerically", () => {
    expect(isAtLeast("4.22.0", "4.3")).toBe(true);
    expect(isAtLeast("2.5.3", "2.5.3")).toBe(true);
    expect(isAtLeast("2", "2.0.0")).toBe(true);
    expect(isAtLeast("1.9.9", "2")).toBe(false);
  });
});
