/** The page's search as somebody types. */

import { describe, expect, it } from "vitest";
import { Items } from "../../src/hanji/ids.ts";
import { plain, TitleSearch } from "../../src/page/recommend/search.ts";

const TITLES = [
  "The Red Balloon",
  "Amélie",
  "Red River",
  "A River Runs Through It",
  "괴물",
  "Infrared",
  "Matrix, The",
];
const search = new TitleSearch(
  new Items({
    ids: TITLES.map((_, index) => `item-${index}`),
    titles: TITLES,
    genres: [["Drama"], ["Comedy"], ["Western"], ["Drama"], ["Horror"], ["Drama"], ["Action"]],
    popularity: Float64Array.from([5, 9, 7, 8, 6, 99, 1]),
  }),
);
const titles = (text: string, limit = 8): string[] => search.find(text, limit).map(({ title }) => title);

describe("find", () => {
  it("puts titles that begin so first, articles aside, then whole words, then parts of words", () => {
    expect(titles("red")).toEqual(["Red River", "The Red Balloon", "Infrared"]);
  });

  it("takes words in any order, without accents, case and punctuation", () => {
    expect(titles("river red")).toEqual(["Red River"]);
    expect(titles("AMELIE")).toEqual(["Amélie"]);
    expect(titles("the matrix")).toEqual(["Matrix, The"]);
  });

  it("finds Hangul as it stands", () => {
    expect(titles("괴")).toEqual(["괴물"]);
  });

  it("gives no more than asked for, and nothing for nothing", () => {
    expect(titles("r", 2)).toHaveLength(2);
    expect(titles("  ")).toEqual([]);
    expect(titles("nowhere")).toEqual([]);
  });
});

describe("popular", () => {
  it("spreads first genres, and skips what is picked", () => {
    const found = search.popular(4, (id) => id === "item-5").map(({ title }) => title);
    expect(found).toEqual(["Amélie", "A River Runs Through It", "Red River", "괴물"]);
  });
});

it("keeps letters of any script when it compares", () => {
  expect(plain("  Čapek’s R.U.R. (1921) 로봇 ")).toBe("capek s r u r 1921 로봇");
});
