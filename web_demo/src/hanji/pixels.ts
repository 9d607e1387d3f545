/** Pixels in the one form that everything behind takes. */

import { PictureError } from "./errors.ts";
import { shown } from "./text.ts";
import type { PixelArray, Pixels } from "./types.ts";

/** Checked pixels: as many bytes as width, height and channels say. PictureError for anything else. */
export function pixelArray(pixels: Pixels, name = "the picture"): PixelArray {
  if (typeof pixels !== "object" || pixels === null || !("data" in pixels)) {
    throw new PictureError(
      `${name}: expected an ImageData, or { data, width, height, channels }, found ${shown(pixels)}`,
    );
  }
  const { data, width, height } = pixels;
  const channels = "channels" in pixels ? pixels.channels : 4; // an ImageData
  if (!(data instanceof Uint8Array) && !(data instanceof Uint8ClampedArray)) {
    throw new PictureError(
      `${name}: expected levels of 0 to 255 as a Uint8Array or Uint8ClampedArray, found ${shown(data)}`,
    );
  }
  if (![1, 3, 4].includes(channels)) {
    throw new PictureError(
      `${name}: expected 1 channel (grey), 3 (red, green, blue) or 4 (and alpha), found ${shown(channels)}`,
    );
  }
  if (![width, height].every((side) => Number.isSafeInteger(side) && side >= 1)) {
    throw new PictureError(`${name}: expected at least one pixel, found ${shown(width)} × ${shown(height)}`);
  }
  const expected = width * height * channels;
  if (data.length !== expected) {
    throw new PictureError(
      `${name}: expected ${width} × ${height} × ${channels} = ${expected} bytes, found ${data.length}`,
    );
  }
  return { data, width, height, channels };
}
