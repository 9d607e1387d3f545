/** Between levels of 0 to 255 and what a model takes, and between what it gives and probabilities. */

import { EngineError } from "./errors.ts";
import type { Tensor } from "./engines/base.ts";
import type { ClassifierManifest, PictureInput, TensorInfo } from "./manifest.types.ts";

type Values = Tensor["data"];

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, int8: Int8Array } as const;
const LIMITS = { uint8: [0, 255], int8: [-128, 127] } as const;

/**
 * Turns prepared pictures into the tensor that a model takes.
 *
 * Where the graph normalizes, levels go in as they are. Else every level of every channel has its number,
 * computed once in doubles: x = (level - mean) / std, for float32 rounded to it, for uint8 and int8 round(x /
 * scale) + zero_point (halves to the even neighbour) within the range of the dtype.
 */
export class PictureTensor {
  readonly #picture: PictureInput;
  readonly #make: (length: number) => Values;
  /** By channel, 256 numbers; null where levels go in as they are. */
  readonly #numbers: readonly Float64Array[] | null;

  constructor(picture: PictureInput, tensor: TensorInfo) {
    this.#picture = picture;
    this.#make = makerOf(tensor);
    this.#numbers = picture.normalized_by === "graph" ? null : numbersOf(picture, tensor);
  }

  /** The tensor [1, height, width, channels] of `levels` (uint8 [height, width, channels]). */
  of(levels: Uint8Array<ArrayBuffer>): Tensor {
    const { height, width, channels } = this.#picture;
    const data = this.#make(levels.length);
    if (this.#numbers === null) {
      data.set(levels);
    } else {
      for (let place = 0; place < levels.length; place++) {
        const numbers = this.#numbers[place % channels] as Float64Array;
        data[place] = numbers[levels[place] as number] as number;
      }
    }
    return { data, shape: [1, height, width, channels] };
  }
}

/** What numbers of a tensor's dtype stand for: (value - zero_point) · scale. */
export function dequantized(values: Values, { dtype, scale, zero_point: zero }: TensorInfo): Float32Array {
  if (dtype === "float32" || scale === null || zero === null) return Float32Array.from(values);
  return Float32Array.from(values, (value) => (value - zero) * scale);
}

/**
 * Probabilities, float32 [classes], from a model's outputs, float32 [classes].
 *
 * Softmax is computed in doubles, the largest output subtracted first.
 */
export function probabilitiesOf(
  outputs: Float32Array,
  rule: ClassifierManifest["probabilities"],
): Float32Array {
  if (rule.source !== "softmax") return outputs;
  const largest = outputs.reduce((left, right) => Math.max(left, right), -Infinity);
  const powers = Float64Array.from(outputs, (value) => Math.exp((value - largest) / rule.temperature));
  const sum = powers.reduce((left, right) => left + right, 0);
  return Float32Array.from(powers, (power) => power / sum);
}

/** Whether all are numbers: no NaN, no infinity. */
export function areFinite(values: Float32Array): boolean {
  return values.every(Number.isFinite);
}

function makerOf({ name, dtype }: TensorInfo): (length: number) => Values {
  if (!(dtype in ARRAYS))
    throw new EngineError(`input '${name}': expected ${Object.keys(ARRAYS).join(", ")}, found ${dtype}`);
  const type = ARRAYS[dtype as keyof typeof ARRAYS];
  return (length) => new type(length);
}

function numbersOf(picture: PictureInput, tensor: TensorInfo): Float64Array[] {
  return picture.mean.map((mean, channel) => {
    const std = picture.std[channel] as number; // the schema has as many of both
    return Float64Array.from({ length: 256 }, (_, level) => quantized((level - mean) / std, tensor));
  });
}

function quantized(value: number, { dtype, scale, zero_point: zero }: TensorInfo): number {
  if ((dtype !== "uint8" && dtype !== "int8") || scale === null || zero === null) return value;
  const [smallest, largest] = LIMITS[dtype];
  return Math.min(Math.max(toEven(value / scale) + zero, smallest), largest);
}

/** The nearest integer, halves to the even neighbour. */
function toEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
