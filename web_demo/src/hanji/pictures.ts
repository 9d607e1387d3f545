/**
 * From any picture to the model's input, in integers: the same bytes as Python's `hanji.runtime.images.preparation`,
 * whose docstring says the arithmetic step by step.
 */

import type { PictureInput } from "./manifest.types.ts";
import { pixelArray } from "./pixels.ts";
import { resized, type Levels } from "./resizing.ts";
import type { Pixels } from "./types.ts";

/**
 * The model's input for one picture, uint8 [height, width, channels]. PictureError for what is no picture.
 */
export function prepare(pixels: Pixels, picture: PictureInput, name?: string): Uint8Array<ArrayBuffer> {
  const { data, width, height, channels } = pixelArray(pixels, name);
  // A copy: what is given stays as it is, and clamped levels are plain ones from here on.
  let levels: Levels = { data: Uint8Array.from(data), height, width, channels };
  let background = Uint8Array.from(picture.background);
  if (channels === 4) levels = over(levels, background);
  if (picture.channels === 1) {
    background = luma(background);
    if (levels.channels === 3) levels = { ...levels, data: luma(levels.data), channels: 1 };
  }
  const fitted = FITS[picture.fit](levels, picture.height, picture.width, background);
  return repeated(fitted, picture.channels).data;
}

type Fit = (levels: Levels, height: number, width: number, background: Uint8Array<ArrayBuffer>) => Levels;

/** Red, green, blue of a picture with alpha in front of the background. */
function over({ data, height, width }: Levels, background: Uint8Array): Levels {
  const result = new Uint8Array(height * width * 3);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const alpha = data[4 * pixel + 3] as number;
    for (let channel = 0; channel < 3; channel++) {
      const level = data[4 * pixel + channel] as number;
      const behind = background[channel] as number;
      result[3 * pixel + channel] = Math.floor((alpha * level + (255 - alpha) * behind + 127) / 255);
    }
  }
  return { data: result, height, width, channels: 3 };
}

/** ITU-R 601 grey of red, green and blue. */
function luma(colour: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(colour.length / 3);
  for (let pixel = 0; pixel < result.length; pixel++) {
    const [red, green, blue] = [0, 1, 2].map((channel) => colour[3 * pixel + channel] as number) as [
      number,
      number,
      number,
    ];
    result[pixel] = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
  }
  return result;
}

function cropped(levels: Levels, height: number, width: number): Levels {
  const { height: rows, width: columns } = levels;
  if (columns * height > rows * width) {
    const kept = Math.min(columns, Math.max(1, rounded(rows * width, height)));
    return resized(cut(levels, 0, Math.floor((columns - kept) / 2), rows, kept), height, width);
  }
  if (columns * height < rows * width) {
    const kept = Math.min(rows, Math.max(1, rounded(columns * height, width)));
    return resized(cut(levels, Math.floor((rows - kept) / 2), 0, kept, columns), height, width);
  }
  return resized(levels, height, width);
}

const padded: Fit = (levels, height, width, background) => {
  const { height: rows, width: columns } = levels;
  const isWide = columns * height > rows * width;
  const innerHeight = isWide ? Math.max(1, rounded(rows * width, columns)) : height;
  const innerWidth = isWide ? width : Math.max(1, rounded(columns * height, rows));
  const channels = background.length; // grey for a model of colour: the background may have some
  const inner = repeated(resized(levels, innerHeight, innerWidth), channels);
  const result = new Uint8Array(height * width * channels);
  for (let place = 0; place < result.length; place++) result[place] = background[place % channels] as number;
  const top = Math.floor((height - innerHeight) / 2);
  const left = Math.floor((width - innerWidth) / 2);
  const stride = innerWidth * channels;
  for (let row = 0; row < innerHeight; row++) {
    const line = inner.data.subarray(row * stride, (row + 1) * stride);
    result.set(line, ((top + row) * width + left) * channels);
  }
  return { data: result, height, width, channels };
};

const FITS: Record<PictureInput["fit"], Fit> = { stretch: resized, crop: cropped, pad: padded };

function cut(
  { data, width, channels }: Levels,
  top: number,
  left: number,
  rows: number,
  columns: number,
): Levels {
  const stride = columns * channels;
  const result = new Uint8Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    const start = ((top + row) * width + left) * channels;
    result.set(data.subarray(start, start + stride), row * stride);
  }
  return { data: result, height: rows, width: columns, channels };
}

/** Grey in as many channels as are asked for; colour as it is. */
function repeated(levels: Levels, channels: number): Levels {
  if (levels.channels === channels) return levels;
  const data = new Uint8Array(levels.data.length * channels);
  for (let place = 0; place < data.length; place++) {
    data[place] = levels.data[Math.floor(place / channels)] as number;
  }
  return { ...levels, data, channels };
}

/** The nearest integer to a quotient of integers, halves upwards. */
function rounded(numerator: number, denominator: number): number {
  return Math.floor((2 * numerator + denominator) / (2 * denominator));
}
