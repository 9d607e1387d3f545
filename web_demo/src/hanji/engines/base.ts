/** The interface between the loader and inference engines. */

import type { Contents } from "../bundle.ts";
import { EngineError } from "../errors.ts";
import type { AnyManifest, Artifact, TensorInfo } from "../manifest.types.ts";
import { isCalled } from "../signatures.ts";
import type { EngineName, OpenOptions, Placement } from "../types.ts";

/** A tensor; the type of the array determines the dtype. */
export interface Tensor {
  data:
    Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | Int8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  shape: readonly number[];
}

/** Tensors by input name: "user", "history", "item", or the name of the image input. */
export type Inputs = Readonly<Record<string, Tensor>>;

/** A loaded artifact. */
export interface Engine {
  readonly placement: Placement;
  /** Returns the signature's first output; EngineError if the engine rejects the model or the inputs. */
  run(signature: string, inputs: Inputs): Promise<Tensor>;
  /** Releases the model. */
  close(): void;
}

/** An engine that can load models; `version` is known without loading one. */
export interface EngineKind {
  readonly name: EngineName;
  readonly version: string;
  /** Loads `artifact` from the verified files in `contents`. */
  load(artifact: Artifact, contents: Contents, options: OpenOptions): Promise<Engine>;
}

/** The artifact that an engine can run; EngineError with the reason if there is none. */
export function artifactFor(manifest: AnyManifest, { name, version }: EngineKind): Artifact {
  for (const artifact of manifest.artifacts) {
    const requirement = artifact.engines.find((engine) => engine.name === name);
    if (!requirement) continue;
    const oldest = requirement.oldest_version;
    if (isAtLeast(version, oldest)) return artifact;
    throw refusal(
      name,
      `this model needs version ${oldest} or newer, found ${version}; build the page with a newer one`,
    );
  }
  const known = manifest.artifacts
    .map(({ format, engines }) => `${format} for ${engines[0]?.name}`)
    .join(", ");
  throw refusal(name, `the bundle has no artifact for it, only ${known}`);
}

function refusal(name: string, reason: string): EngineError {
  return new EngineError(`engine '${name}' cannot run this bundle: ${reason}`);
}

/** Whether `version`, such as "4.22.0", is at least `oldest`. */
export function isAtLeast(version: string, oldest: string): boolean {
  const [found, wanted] = [version, oldest].map((text) => text.split(".").map(Number)) as [
    number[],
    number[],
  ];
  const length = Math.max(found.length, wanted.length);
  for (let part = 0; part < length; part++) {
    const difference = (found[part] ?? 0) - (wanted[part] ?? 0);
    if (difference) return difference > 0;
  }
  return true;
}

/** The tensor in `inputs` for one input of a signature. */
export function inputFor({ name }: TensorInfo, inputs: Inputs): Tensor {
  const found = Object.entries(inputs).find(([input]) => isCalled(name, input));
  if (!found) throw new EngineError(`expected an input '${name}', found ${Object.keys(inputs).join(", ")}`);
  return found[1];
}
