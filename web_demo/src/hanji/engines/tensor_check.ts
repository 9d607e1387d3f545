/** Compares the tensors of a loaded model with those that the manifest states. */

import { EngineError } from "../errors.ts";
import type { Signature, TensorInfo } from "../manifest.types.ts";

/** A tensor as an engine describes it; what is not told is undefined, and a negative size is any size. */
export interface Found {
  name: string;
  dtype?: string | undefined;
  shape?: readonly number[] | undefined;
}

/**
 * Throws an EngineError unless the model in `path` has the inputs and outputs of the signature called `name`.
 * Other tensors are ignored: a file may hold several signatures.
 */
export function checkTensors(
  path: string,
  name: string,
  { inputs, outputs }: Signature,
  found: { inputs: readonly Found[]; outputs: readonly Found[] },
): void {
  for (const [kind, expected, given] of [
    ["input", inputs, found.inputs],
    ["output", outputs, found.outputs],
  ] as const) {
    for (const tensor of expected) {
      const same = given.find((each) => each.name === tensor.name);
      if (same && fits(tensor, same)) continue;
      const described = same ? shownTensor(same) : given.map((each) => each.name).join(", ");
      throw new EngineError(
        `${path} ('${name}'): expected an ${kind} '${tensor.name}': ${shownTensor(tensor)} as in the ` +
          `manifest, found ${described}; export the bundle again`,
      );
    }
  }
}

function fits({ dtype, shape }: TensorInfo, found: Found): boolean {
  if (found.dtype !== undefined && found.dtype !== dtype) return false;
  const sizes = found.shape;
  if (!sizes?.length) return true; // not known, or a scalar, which no signature has
  return (
    sizes.length === shape.length &&
    shape.every((size, axis) => size === null || (sizes[axis] ?? -1) < 0 || size === sizes[axis])
  );
}

function shownTensor({
  dtype,
  shape,
}: {
  dtype?: string | undefined;
  shape?: readonly (number | null)[] | undefined;
}) {
  return `${dtype ?? "unknown"} [${(shape ?? []).map(String).join(", ")}]`;
}
