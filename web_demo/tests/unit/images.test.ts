/** Preparation and resizing are identical, byte for byte, to the Python runtime and to Pillow. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { ImageInput } from "../../src/hanji/manifest.types.ts";
import { parseImageGolden } from "../../src/hanji/image_golden.ts";
import { prepare } from "../../src/hanji/images.ts";
import { resized } from "../../src/hanji/resizing.ts";
import { bundleFolder, hasBundle, pythonResults } from "../bundles.ts";

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text, "base64"));
}

describe.skipIf(!hasBundle("digits"))("golden images", () => {
  it("are prepared byte for byte", () => {
    const folder = bundleFolder("digits");
    const { picture: imageInput } = JSON.parse(readFileSync(path.join(folder, "manifest.json"), "utf8")) as {
      picture: ImageInput;
    };
    const { preparation } = parseImageGolden(readFileSync(path.join(folder, "golden.json")), imageInput, 10);
    expect(preparation.length).toBeGreaterThan(0);
    for (const { source, prepared } of preparation) expect(prepare(source, imageInput)).toEqual(prepared);
  });
});

describe.skipIf(!pythonResults())("images of all sizes, channels and fits", () => {
  it("are prepared like in Python", () => {
    const images = pythonResults()?.pictures ?? [];
    expect(images.length).toBeGreaterThan(100);
    for (const { source, picture: imageInput, prepared } of images) {
      const found = prepare({ ...source, data: bytes(source.pixels) }, imageInput);
      const { height, width, channels } = source;
      const name = `${height} × ${width} × ${channels}, ${imageInput.fit}, ${imageInput.channels}`;
      expect(found, name).toEqual(bytes(prepared));
    }
  });
});

describe("resizing", () => {
  it("skips images of the target size, and averages two pixels", () => {
    const image = { data: Uint8Array.of(0, 255), height: 1, width: 2, channels: 1 };
    expect(resized(image, 1, 2)).toBe(image);
    expect([...resized(image, 1, 1).data]).toEqual([128]);
    expect([...resized({ ...image, height: 2, width: 1 }, 4, 1).data]).toEqual([0, 64, 191, 255]);
  });
});

describe("prepare", () => {
  const imageInput: ImageInput = {
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
  it("composites transparent pixels over the background", () => {
    const pixel = { data: Uint8Array.of(200, 200, 200, 0), width: 1, height: 1, channels: 4 } as const;
    expect([...prepare(pixel, imageInput)]).toEqual([10, 20, 30]);
    const half = { ...pixel, data: Uint8Array.of(200, 200, 200, 128) };
    expect([...prepare(half, imageInput)]).toEqual([105, 110, 115]);
  });
  it("does not modify its input", () => {
    const data = Uint8Array.of(1, 2, 3);
    const prepared = prepare({ data, width: 1, height: 1, channels: 3 }, imageInput);
    prepared.fill(9);
    expect([...data]).toEqual([1, 2, 3]);
  });
});
