/**
 * Prepares images for the model in integer arithmetic, byte for byte like Python's
 * `hanji.runtime.images.preparation`, whose docstring specifies the arithmetic.
 */

import type { ImageInput } from "./manifest.types.ts";
import { pixelArray } from "./pixels.ts";
import { resized, type Raster } from "./resizing.ts";
import type { Pixels } from "./types.ts";

/**
 * The model's input for one image, uint8 [height, width, channels]. ImageError for invalid pixel data.
 */
export function prepare(pixels: Pixels, imageInput: ImageInput, name?: string): Uint8Array<ArrayBuffer> {
  const { data, width, height, channels } = pixelArray(pixels, name);
  // A copy as a plain Uint8Array, so that the caller's data is not modified
  let image: Raster = { data: Uint8Array.from(data), height, width, channels };
  let background = Uint8Array.from(imageInput.background);
  if (channels === 4) image = composited(image, background);
  if (imageInput.channels === 1) {
    background = luma(background);
    if (image.channels === 3) image = { ...image, data: luma(image.data), channels: 1 };
  }
  const fitted = FITS[imageInput.fit](image, imageInput.height, imageInput.width, background);
  return repeated(fitted, imageInput.channels).data;
}

type Fit = (image: Raster, height: number, width: number, background: Uint8Array<ArrayBuffer>) => Raster;

/** Composites an RGBA image over the background and returns RGB. */
function composited({ data, height, width }: Raster, background: Uint8Array): Raster {
  const result = new Uint8Array(height * width * 3);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const alpha = data[4 * pixel + 3] as number;
    for (let channel = 0; channel < 3; channel++) {
      const foreground = data[4 * pixel + channel] as number;
      const mixed = alpha * foreground + (255 - alpha) * (background[channel] as number);
      result[3 * pixel + channel] = Math.floor((mixed + 127) / 255);
    }
  }
  return { data: result, height, width, channels: 3 };
}

/** ITU-R 601 luma of RGB pixels. */
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

function cropped(image: Raster, height: number, width: number): Raster {
  const { height: rows, width: columns } = image;
  if (columns * height > rows * width) {
    const kept = Math.min(columns, Math.max(1, rounded(rows * width, height)));
    return resized(cut(image, 0, Math.floor((columns - kept) / 2), rows, kept), height, width);
  }
  if (columns * height < rows * width) {
    const kept = Math.min(rows, Math.max(1, rounded(columns * height, width)));
    return resized(cut(image, Math.floor((rows - kept) / 2), 0, kept, columns), height, width);
  }
  return resized(image, height, width);
}

const padded: Fit = (image, height, width, background) => {
  const { height: rows, width: columns } = image;
  const isWide = columns * height > rows * width;
  const innerHeight = isWide ? Math.max(1, rounded(rows * width, columns)) : height;
  const innerWidth = isWide ? width : Math.max(1, rounded(columns * height, rows));
  const channels = background.length; // 3 for a colour model even if the image is grey
  const inner = repeated(resized(image, innerHeight, innerWidth), channels);
  const result = new Uint8Array(height * width * channels);
  for (let index = 0; index < result.length; index++) result[index] = background[index % channels] as number;
  const top = Math.floor((height - innerHeight) / 2);
  const left = Math.floor((width - innerWidth) / 2);
  const stride = innerWidth * channels;
  for (let row = 0; row < innerHeight; row++) {
    const line = inner.data.subarray(row * stride, (row + 1) * stride);
    result.set(line, ((top + row) * width + left) * channels);
  }
  return { data: result, height, width, channels };
};

const FITS: Record<ImageInput["fit"], Fit> = { stretch: resized, crop: cropped, pad: padded };

function cut(
  { data, width, channels }: Raster,
  top: number,
  left: number,
  rows: number,
  columns: number,
): Raster {
  const stride = columns * channels;
  const result = new Uint8Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    const start = ((top + row) * width + left) * channels;
    result.set(data.subarray(start, start + stride), row * stride);
  }
  return { data: result, height: rows, width: columns, channels };
}

/** Repeats a grey image into `channels` channels; other images are returned unchanged. */
function repeated(image: Raster, channels: number): Raster {
  if (image.channels === channels) return image;
  const data = new Uint8Array(image.data.length * channels);
  for (let index = 0; index < data.length; index++) {
    data[index] = image.data[Math.floor(index / channels)] as number;
  }
  return { ...image, data, channels };
}

/** The quotient of two integers, rounded to the nearest integer with halves rounded up. */
function rounded(numerator: number, denominator: number): number {
  return Math.floor((2 * numerator + denominator) / (2 * denominator));
}
