/** The title search of the page. */

import { describe, expect, it } from "vitest";
import { Items } from "../../src/hanji/ids.ts";
import { normalized, TitleSearch } from "../../src/page/recommend/search.ts";

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
  it("orders matches: prefixes of the title without article, prefixes of words, substrings", () => {
    expect(titles("red")).toEqual(["Red River", "The Red Balloon", "Infrared"]);
  });

  it("ignores word order, accents, case and punctuation", () => {
    expect(titles("river red")).toEqual(["Red River"]);
    expect(titles("AMELIE")).toEqual(["Amélie"]);
    expect(titles("the matrix")).toEqual(["Matrix, The"]);
  });

  it("finds Hangul", () => {
    expect(titles("괴")).toEqual(["괴물"]);
  });

  it("respects the limit, and finds nothing for an empty query", () => {
    expect(titles("r", 2)).toHaveLength(2);
    expect(titles("  ")).toEqual([]);
    expect(titles("nowhere")).toEqual([]);
  });
});

describe("popular", () => {
  it("varies the main genres, and skips picked items", () => {
    const found = search.popular(4, (id) => id === "item-5").map(({ title }) => title);
    expect(found).toEqual(["Amélie", "A River Runs Through It", "Red River", "괴물"]);
  });
});

it("keeps letters of any script when normalizing", () => {
  expect(normalized("  Čapek’s R.U.R. (1921) 로봇 ")).toBe("capek s r u r 1921 로봇");
});
