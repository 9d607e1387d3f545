/** Table files: those that the Python runtime is tested with give the same columns and the same errors. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { BundleError } from "../../src/hanji/errors.ts";
import { Items, parseItems, parseUsers } from "../../src/hanji/ids.ts";

interface Cases {
  tables: { kind: string; base64: string; columns: Columns }[];
  malformed_texts: { position: number; value: number; message: string }[];
}

interface Columns {
  ids: (number | string)[];
  titles: string[];
  genres: string[][];
  popularity: number[];
}

const FILE = path.join(import.meta.dirname, "../../../tests/table_files.json");
const { tables, malformed_texts: malformed } = JSON.parse(readFileSync(FILE, "utf8")) as Cases;

function contentOf(kind: string): Uint8Array {
  return Uint8Array.from(Buffer.from(tables.find((table) => table.kind === kind)?.base64 ?? "", "base64"));
}

function read(content: Uint8Array): Items {
  return parseItems(content, 6, "items.table");
}

describe.each(tables)("a table of $kind", ({ kind, columns }) => {
  it.each(["as read", "at an odd position", "from a worker"])("has its columns, %s", (how) => {
    const shifted = new Uint8Array(contentOf(kind).length + 3);
    shifted.set(contentOf(kind), 3);
    const content = how === "at an odd position" ? shifted.subarray(3) : contentOf(kind);
    const cloned = () => Items.from(structuredClone(read(content).data), 6);
    const items = how === "from a worker" ? cloned() : read(content);
    expect(items.length).toBe(6);
    expect(items.ids.values).toEqual(columns.ids);
    expect(items.titles).toEqual(columns.titles);
    expect(items.genres).toEqual(columns.genres);
    expect([...items.popularity]).toEqual(columns.popularity);
    expect(columns.titles.map((_, index) => items.title(index))).toEqual(columns.titles);
    expect(columns.ids.map((id) => items.ids.indexOf(id))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(columns.ids.map((id) => items.ids.indexOf(String(id)))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(() => items.ids.at(6)).toThrow(RangeError);
    expect(items.title(-1)).toBe("");
  });

  it.each([4, -3, 8, "x", "aa", "03", "\ud800", "\ufffd", Number.MAX_SAFE_INTEGER - 1])(
    "has no id %o",
    (id) => {
      expect(read(contentOf(kind)).ids.indexOf(id)).toBeUndefined();
    },
  );

  it("is rejected or harmless if it is damaged", () => {
    let [seed, rejected] = [1, 0];
    const random = (limit: number) => (seed = (seed * 48271) % 2147483647) % limit;
    for (let turn = 0; turn < 3000; turn++) {
      const content = contentOf(kind);
      const words = new Uint32Array(content.buffer);
      for (let change = 0; change <= random(3); change++) {
        const value = [0, 1, 2 ** 31, 2 ** 32 - 1, random(2 ** 31), random(8)][random(6)] ?? 0;
        words[random(words.length)] = value;
      }
      try {
        const items = read(random(10) ? content : content.subarray(0, random(content.length)));
        expect(items.ids.values.map((id) => items.ids.indexOf(id))).toEqual([0, 1, 2, 3, 4, 5]);
        expect([items.titles.length, items.genres.length]).toEqual([6, 6]);
      } catch (error) {
        if (!(error instanceof BundleError)) throw error;
        rejected++;
      }
    }
    expect(rejected).toBeGreaterThan(1000);
  });
});

describe("a malformed table is rejected:", () => {
  it.each(malformed)("$message", ({ position, value, message }) => {
    const content = contentOf("texts");
    new DataView(content.buffer).setUint32(position, value, true);
    const expected = `items.table: ${message}; export the bundle again`;
    expect(() => read(content)).toThrow(new BundleError(expected));
  });

  it.each([
    [Uint8Array.of(), "header: expected 56 bytes, found 0"],
    [new TextEncoder().encode("{}".repeat(30)), "header: expected a table file"],
    [contentOf("texts").slice(0, -8), "popularity: expected 48 bytes from byte 296 on, found 40"],
    [Uint8Array.from([...contentOf("texts"), ...new Uint8Array(8)]), "size: expected 344 bytes"],
  ])("%#", (content, message) => {
    expect(() => read(content)).toThrow(message);
  });

  it("users have no titles", () => {
    const message = "contents: expected 1 (ids), found 2";
    expect(() => parseUsers(contentOf("texts"), 6, "users.table")).toThrow(message);
  });
});
