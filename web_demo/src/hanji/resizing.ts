/**
 * Bilinear resizing in integers: the same bytes as Python's `hanji.runtime.images.resizing` (whose docstring says
 * the arithmetic step by step) and as Pillow's `resize(…, BILINEAR)`.
 */

const BITS = 22;

/** Levels row by row, uint8 [height, width, channels]. */
export interface Levels {
  data: Uint8Array<ArrayBuffer>;
  height: number;
  width: number;
  channels: number;
}

/** Which source pixels a target pixel mixes: weights[i] belongs to source pixel first + i. */
interface Taps {
  first: number;
  weights: Int32Array;
}

/** `levels` in another size: columns first, then rows; a pass that keeps the length is left out. */
export function resized(levels: Levels, height: number, width: number): Levels {
  const narrowed = levels.width === width ? levels : columns(levels, width);
  return narrowed.height === height ? narrowed : rows(narrowed, height);
}

function columns({ data, height, width, channels }: Levels, target: number): Levels {
  const result = new Uint8Array(height * target * channels);
  const taps = tapsOf(width, target);
  let place = 0;
  for (let row = 0; row < height; row++) {
    for (const { first, weights } of taps) {
      const start = (row * width + first) * channels;
      for (let channel = 0; channel < channels; channel++) {
        result[place++] = mixed(data, start + channel, channels, weights);
      }
    }
  }
  return { data: result, height, width: target, channels };
}

function rows({ data, height, width, channels }: Levels, target: number): Levels {
  const stride = width * channels;
  const result = new Uint8Array(target * stride);
  let place = 0;
  for (const { first, weights } of tapsOf(height, target)) {
    const start = first * stride;
    for (let column = 0; column < stride; column++)
      result[place++] = mixed(data, start + column, stride, weights);
  }
  return { data: result, height: target, width, channels };
}

/** One target level, from source levels `step` apart. Everything fits into 31 bits, so `>>` divides. */
function mixed(data: Uint8Array, start: number, step: number, weights: Int32Array): number {
  let total = 1 << (BITS - 1);
  for (let tap = 0; tap < weights.length; tap++) {
    total += (weights[tap] as number) * (data[start + tap * step] as number);
  }
  return Math.min(total >> BITS, 255);
}

function tapsOf(length: number, target: number): Taps[] {
  const scale = length / target;
  const spread = Math.max(scale, 1);
  const step = 1 / spread;
  return Array.from({ length: target }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - spread + 0.5), 0);
    const end = Math.min(Math.trunc(centre + spread + 0.5), length);
    const shares = Array.from({ length: end - first }, (_, tap) =>
      Math.max(1 - Math.abs((first + tap - centre + 0.5) * step), 0),
    );
    // In this order: another would round otherwise
    const total = shares.reduce((sum, share) => sum + share, 0);
    return {
      first,
      weights: Int32Array.from(shares, (share) => Math.floor(0.5 + (share / total) * (1 << BITS))),
    };
  });
}
