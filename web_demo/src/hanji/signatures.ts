/** The ways to call a model, as this loader expects them. */

import { EngineError } from "./errors.ts";
import type { Artifact, Signature } from "./manifest.types.ts";

const INPUTS: Record<string, readonly string[]> = {
  catalogue: ["user"],
  history: ["history"],
  why: ["history", "item"],
};

/** The signature that answers: "catalogue" takes a user, "history" a history, "classify" a picture. */
export function mainSignature({ signatures }: Artifact): "classify" | "history" | "catalogue" {
  if (Object.hasOwn(signatures, "classify")) return "classify";
  return Object.hasOwn(signatures, "history") ? "history" : "catalogue";
}

/**
 * The signature called `name`; EngineError unless it is there and, of a recommender, takes int32 indices and
 * gives float32 numbers. What "classify" takes and gives was checked with the manifest.
 */
export function checkedSignature(artifact: Artifact, name: string): Signature {
  const signature = Object.hasOwn(artifact.signatures, name) ? artifact.signatures[name] : undefined;
  if (!signature) {
    throw new EngineError(`the ${artifact.format} artifact has no signature '${name}'; export it again`);
  }
  const wanted = INPUTS[name];
  if (!wanted) return signature;
  const { inputs, outputs } = signature;
  const fits =
    inputs.length === wanted.length &&
    inputs.every(({ dtype }) => dtype === "int32") &&
    wanted.every((input) => inputs.some((tensor) => isCalled(tensor.name, input)));
  if (!fits || outputs[0]?.dtype !== "float32") {
    const expected = wanted.map((input) => `int32 ${input}`).join(", ");
    const found = inputs.map((tensor) => `${tensor.dtype} ${tensor.name}`).join(", ");
    throw new EngineError(
      `signature '${name}' of the ${artifact.format} artifact: expected ${expected} in and float32 out, ` +
        `found ${found} in and ${outputs[0]?.dtype ?? "nothing"} out`,
    );
  }
  return signature;
}

/**
 * Whether a tensor is the input `name`: a TF.js graph holds all signatures, so its "why" begins with
 * "why_history".
 */
export function isCalled(tensor: string, name: string): boolean {
  return tensor === name || tensor.endsWith(`_${name}`);
}
