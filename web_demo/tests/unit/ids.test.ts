/** External ids. */

import { describe, expect, it } from "vitest";
import { Ids } from "../../src/hanji/ids.ts";

describe("ids", () => {
  it("are integers or strings, and each finds the other", () => {
    const integers = new Ids([7, 196], "item");
    expect([196, "196", "0196", "x"].map((id) => integers.indexOf(id))).toEqual([1, 1, undefined, undefined]);
    const texts = new Ids(["196", "A12"], "item");
    expect(["196", 196, "A12", 12].map((id) => texts.indexOf(id))).toEqual([0, 0, 1, undefined]);
  });
});
