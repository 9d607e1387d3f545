/**
 * Bilinear resizing in integer arithmetic, byte for byte like Python's `hanji.runtime.images.resizing` (whose
 * docstring specifies the arithmetic) and Pillow's `resize(…, BILINEAR)`.
 */

const BITS = 22;

/** 8-bit pixel values in row-major order, [height, width, channels]. */
export interface Raster {
  data: Uint8Array<ArrayBuffer>;
  height: number;
  width: number;
  channels: number;
}

/** Filter taps of one target pixel: weights[i] applies to source pixel first + i. */
interface Taps {
  first: number;
  weights: Int32Array;
}

/** Resizes columns first, then rows; a pass that would not change the size is skipped. */
export function resized(image: Raster, height: number, width: number): Raster {
  const resizedColumns = image.width === width ? image : columns(image, width);
  return resizedColumns.height === height ? resizedColumns : rows(resizedColumns, height);
}

function columns({ data, height, width, channels }: Raster, target: number): Raster {
  const result = new Uint8Array(height * target * channels);
  const taps = tapsOf(width, target);
  let index = 0;
  for (let row = 0; row < height; row++) {
    for (const { first, weights } of taps) {
      const start = (row * width + first) * channels;
      for (let channel = 0; channel < channels; channel++) {
        result[index++] = convolved(data, start + channel, channels, weights);
      }
    }
  }
  return { data: result, height, width: target, channels };
}

function rows({ data, height, width, channels }: Raster, target: number): Raster {
  const stride = width * channels;
  const result = new Uint8Array(target * stride);
  let index = 0;
  for (const { first, weights } of tapsOf(height, target)) {
    const start = first * stride;
    for (let column = 0; column < stride; column++)
      result[index++] = convolved(data, start + column, stride, weights);
  }
  return { data: result, height: target, width, channels };
}

/** One target value from source values `step` apart. The sum fits into 31 bits, so `>>` is a division. */
function convolved(data: Uint8Array, start: number, step: number, weights: Int32Array): number {
  let total = 1 << (BITS - 1);
  for (let tap = 0; tap < weights.length; tap++) {
    total += (weights[tap] as number) * (data[start + tap * step] as number);
  }
  return Math.min(total >> BITS, 255);
}

function tapsOf(length: number, target: number): Taps[] {
  const scale = length / target;
  const support = Math.max(scale, 1);
  const step = 1 / support;
  return Array.from({ length: target }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), length);
    const coefficients = Array.from({ length: end - first }, (_, tap) =>
      Math.max(1 - Math.abs((first + tap - centre + 0.5) * step), 0),
    );
    // The order of the sum matters: another order would round differently
    const total = coefficients.reduce((sum, coefficient) => sum + coefficient, 0);
    return {
      first,
      weights: Int32Array.from(coefficients, (coefficient) =>
        Math.floor(0.5 + (coefficient / total) * (1 << BITS)),
      ),
    };
  });
}
