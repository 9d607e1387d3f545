/** The model signatures that this loader supports. */

import { EngineError } from "./errors.ts";
import type { Artifact, Signature } from "./manifest.types.ts";

const INPUTS: Record<string, readonly string[]> = {
  catalogue: ["user"],
  history: ["history"],
  why: ["history", "item"],
};

/** The main signature: "catalogue" takes a user, "history" a history, "classify" an image. */
export function mainSignature({ signatures }: Artifact): "classify" | "history" | "catalogue" {
  if (Object.hasOwn(signatures, "classify")) return "classify";
  return Object.hasOwn(signatures, "history") ? "history" : "catalogue";
}

/**
 * The signature called `name`; EngineError if it is missing or, for a recommender, does not take int32
 * indices and return float32 values. "classify" is checked by consistency.ts.
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
      `signature '${name}' of the ${artifact.format} artifact: expected inputs ${expected} ` +
        `and output float32, found inputs ${found} and output ${outputs[0]?.dtype ?? "none"}`,
    );
  }
  return signature;
}

/**
 * Whether a tensor is the input `name`. A TF.js graph holds all signatures, so its tensor names have a
 * prefix, such as "why_history".
 */
export function isCalled(tensor: string, name: string): boolean {
  return tensor === name || tensor.endsWith(`_${name}`);
}
