/** Preparation and resizing give the bytes that the Python runtime gives, which are Pillow's. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { PictureInput } from "../../src/hanji/manifest.types.ts";
import { parsePictureGolden } from "../../src/hanji/picture_golden.ts";
import { prepare } from "../../src/hanji/pictures.ts";
import { resized } from "../../src/hanji/resizing.ts";
import { bundleFolder, hasBundle, pythonAnswers } from "../places.ts";

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text, "base64"));
}

describe.skipIf(!hasBundle("digits"))("golden pictures", () => {
  it("are prepared to the very bytes", () => {
    const folder = bundleFolder("digits");
    const { picture } = JSON.parse(readFileSync(path.join(folder, "manifest.json"), "utf8")) as {
      picture: PictureInput;
    };
    const { preparation } = parsePictureGolden(readFileSync(path.join(folder, "golden.json")), picture, 10);
    expect(preparation.length).toBeGreaterThan(0);
    for (const { source, prepared } of preparation) expect(prepare(source, picture)).toEqual(prepared);
  });
});

describe.skipIf(!pythonAnswers())("pictures of all sizes, channels and fits", () => {
  it("become the bytes that they become in Python", () => {
    const pictures = pythonAnswers()?.pictures ?? [];
    expect(pictures.length).toBeGreaterThan(100);
    for (const { source, picture, prepared } of pictures) {
      const found = prepare({ ...source, data: bytes(source.pixels) }, picture);
      const { height, width, channels } = source;
      const name = `${height} × ${width} × ${channels}, ${picture.fit}, ${picture.channels}`;
      expect(found, name).toEqual(bytes(prepared));
    }
  });
});

describe("resizing", () => {
  it("leaves a picture of the right size as it is, and mixes two pixels into their mean", () => {
    const levels = { data: Uint8Array.of(0, 255), height: 1, width: 2, channels: 1 };
    expect(resized(levels, 1, 2)).toBe(levels);
    expect([...resized(levels, 1, 1).data]).toEqual([128]);
    expect([...resized({ ...levels, height: 2, width: 1 }, 4, 1).data]).toEqual([0, 64, 191, 255]);
  });
});

describe("prepare", () => {
  const picture: PictureInput = {
    height: 1,
    width: 1,
    channels: 3,
    fit: "stretch",
    resize: "bilinear",
    background: [10, 20, 30],
    mean: [0, 0, 0],
    std: [1, 1, 1],
    normalized_by: "graph",
  };
  it("shows the background through what is transparent", () => {
    const pixel = { data: Uint8Array.of(200, 200, 200, 0), width: 1, height: 1, channels: 4 } as const;
    expect([...prepare(pixel, picture)]).toEqual([10, 20, 30]);
    const half = { ...pixel, data: Uint8Array.of(200, 200, 200, 128) };
    expect([...prepare(half, picture)]).toEqual([105, 110, 115]);
  });
  it("leaves what it is given as it is", () => {
    const data = Uint8Array.of(1, 2, 3);
    const prepared = prepare({ data, width: 1, height: 1, channels: 3 }, picture);
    prepared.fill(9);
    expect([...data]).toEqual([1, 2, 3]);
  });
});
