/** Validates pixel data and converts it to the common form. */

import { ImageError } from "./errors.ts";
import { shown } from "./text.ts";
import type { PixelArray, Pixels } from "./types.ts";

/** The pixels as a `PixelArray` whose data has width × height × channels bytes; ImageError otherwise. */
export function pixelArray(pixels: Pixels, name = "the image"): PixelArray {
  if (typeof pixels !== "object" || pixels === null || !("data" in pixels)) {
    throw new ImageError(
      `${name}: expected an ImageData, or { data, width, height, channels }, found ${shown(pixels)}`,
    );
  }
  const { data, width, height } = pixels;
  const channels = "channels" in pixels ? pixels.channels : 4; // an ImageData
  if (!(data instanceof Uint8Array) && !(data instanceof Uint8ClampedArray)) {
    throw new ImageError(
      `${name}: expected pixel values from 0 to 255 as a Uint8Array or Uint8ClampedArray, ` +
        `found ${shown(data)}`,
    );
  }
  if (![1, 3, 4].includes(channels)) {
    throw new ImageError(
      `${name}: expected 1 (grayscale), 3 (RGB) or 4 channels (RGBA), found ${shown(channels)}`,
    );
  }
  if (![width, height].every((side) => Number.isSafeInteger(side) && side >= 1)) {
    throw new ImageError(`${name}: expected at least one pixel, found ${shown(width)} × ${shown(height)}`);
  }
  const expected = width * height * channels;
  if (data.length !== expected) {
    throw new ImageError(
      `${name}: expected ${width} × ${height} × ${channels} = ${expected} bytes, found ${data.length}`,
    );
  }
  return { data, width, height, channels };
}
