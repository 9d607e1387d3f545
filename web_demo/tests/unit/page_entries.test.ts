/** What the page shows of a classifier's answer. */

import { describe, expect, it } from "vitest";
import { entriesOf } from "../../src/page/classify/bars.ts";
import { en } from "../../src/page/texts/en.ts";
import { ko } from "../../src/page/texts/ko.ts";

describe("the entries of an answer", () => {
  it("are classes with their share", () => {
    const best = { rank: 1, label: "cat", name: "고양이", probability: 0.25, index: 0 };
    expect(entriesOf({ predictions: [best] }, en)).toEqual([{ name: "고양이", text: "25 %", share: 0.25 }]);
    expect(entriesOf({ predictions: [] }, en)).toEqual([]);
  });

  it("are values with their unit and no share", () => {
    const age = { label: "age", name: "나이", value: 1234.56, unit: "years" };
    const tilt = { label: "tilt", name: "tilt", value: -0.00123456, unit: "" };
    expect(entriesOf({ values: [age, tilt] }, en)).toEqual([
      { name: "나이", text: "1,235 years" },
      { name: "tilt", text: "-0.001235" },
    ]);
    expect(entriesOf({ values: [age] }, ko)[0]?.text).toBe("1,235 years");
  });
});
