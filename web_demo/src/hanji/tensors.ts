/** Converts pixel values to model inputs, and model outputs to probabilities. */

import { EngineError } from "./errors.ts";
import type { Tensor } from "./engines/base.ts";
import type { ClassifierManifest, ImageInput, TensorInfo } from "./manifest.types.ts";

type Values = Tensor["data"];

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, int8: Int8Array } as const;
const LIMITS = { uint8: [0, 255], int8: [-128, 127] } as const;

/**
 * Converts prepared images to input tensors.
 *
 * If the graph normalizes, pixel values are passed unchanged. Otherwise they are mapped by a lookup table per
 * channel, computed in float64: x = (value - mean) / std for float32, and round(x / scale) + zero_point
 * (halves to even), clamped to the range of the dtype, for uint8 and int8.
 */
export class ImageTensor {
  readonly #imageInput: ImageInput;
  readonly #newArray: (length: number) => Values;
  /** 256 values per channel; null if pixel values are passed unchanged. */
  readonly #lookupTables: readonly Float64Array[] | null;

  constructor(imageInput: ImageInput, tensor: TensorInfo) {
    this.#imageInput = imageInput;
    this.#newArray = arrayFactory(tensor);
    this.#lookupTables = imageInput.normalized_by === "graph" ? null : lookupTablesOf(imageInput, tensor);
  }

  /** The tensor [1, height, width, channels] of `image` (uint8 [height, width, channels]). */
  of(image: Uint8Array<ArrayBuffer>): Tensor {
    const { height, width, channels } = this.#imageInput;
    const data = this.#newArray(image.length);
    if (this.#lookupTables === null) {
      data.set(image);
    } else {
      for (let index = 0; index < image.length; index++) {
        const table = this.#lookupTables[index % channels] as Float64Array;
        data[index] = table[image[index] as number] as number;
      }
    }
    return { data, shape: [1, height, width, channels] };
  }
}

/** The real values of a quantized tensor: (value - zero_point) · scale. */
export function dequantized(values: Values, { dtype, scale, zero_point: zero }: TensorInfo): Float32Array {
  if (dtype === "float32" || scale === null || zero === null) return Float32Array.from(values);
  return Float32Array.from(values, (value) => (value - zero) * scale);
}

/**
 * Probabilities, float32 [classes], from a model's outputs, float32 [classes].
 *
 * Softmax is computed in float64, after subtracting the largest output.
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

/** Whether no value is NaN or infinite. */
export function areFinite(values: Float32Array): boolean {
  return values.every(Number.isFinite);
}

function arrayFactory({ name, dtype }: TensorInfo): (length: number) => Values {
  if (!(dtype in ARRAYS))
    throw new EngineError(`input '${name}': expected ${Object.keys(ARRAYS).join(", ")}, found ${dtype}`);
  const type = ARRAYS[dtype as keyof typeof ARRAYS];
  return (length) => new type(length);
}

function lookupTablesOf(imageInput: ImageInput, tensor: TensorInfo): Float64Array[] {
  return imageInput.mean.map((mean, channel) => {
    const std = imageInput.std[channel] as number; // the schema requires equal lengths
    return Float64Array.from({ length: 256 }, (_, value) => quantized((value - mean) / std, tensor));
  });
}

function quantized(value: number, { dtype, scale, zero_point: zero }: TensorInfo): number {
  if ((dtype !== "uint8" && dtype !== "int8") || scale === null || zero === null) return value;
  const [smallest, largest] = LIMITS[dtype];
  return Math.min(Math.max(roundHalfToEven(value / scale) + zero, smallest), largest);
}

/** Rounds to the nearest integer, halves to even. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
