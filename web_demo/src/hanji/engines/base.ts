/** What the loader asks of an inference engine. */

import type { Contents } from "../bundle.ts";
import { EngineError } from "../errors.ts";
import type { AnyManifest, Artifact, TensorInfo } from "../manifest.types.ts";
import { isCalled } from "../signatures.ts";
import type { EngineName, OpenOptions, Placement } from "../types.ts";

/** Values and their shape; the array's type is the dtype. */
export interface Tensor {
  data:
    Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | Int8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  shape: readonly number[];
}

/** By input: "user", "history", "item", or whatever the picture's input is called. */
export type Inputs = Readonly<Record<string, Tensor>>;

/** One artifact, loaded. */
export interface Engine {
  readonly placement: Placement;
  /** The signature's first output; EngineError if the engine refuses the model or the inputs. */
  run(signature: string, inputs: Inputs): Promise<Tensor>;
  /** Lets go of the model. */
  close(): void;
}

/** An engine before it has a model; `version` is known before anything is loaded. */
export interface EngineKind {
  readonly name: EngineName;
  readonly version: string;
  /** Ready to run `artifact`, whose verified files are `contents`. */
  load(artifact: Artifact, contents: Contents, options: OpenOptions): Promise<Engine>;
}

/** The artifact of the bundle that an engine can run; EngineError with the reason why there is none. */
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
  throw refusal(name, `the bundle holds no artifact for it, only ${known}`);
}

function refusal(name: string, reason: string): EngineError {
  return new EngineError(`engine '${name}' cannot run this bundle: ${reason}`);
}

/** Whether a version, such as 4.22.0, is `oldest` or newer. */
export function isAtLeast(version: string, oldest: string): boolean {
  const [found, wanted] = [version, oldest].map((text) => text.split(".").map(Number)) as [
    number[],
    number[],
  ];
  const length = Math.max(found.length, wanted.length);
  for (let place = 0; place < length; place++) {
    const difference = (found[place] ?? 0) - (wanted[place] ?? 0);
    if (difference) return difference > 0;
  }
  return true;
}

/** The values for one of a signature's tensors. */
export function inputFor({ name }: TensorInfo, inputs: Inputs): Tensor {
  const found = Object.entries(inputs).find(([input]) => isCalled(name, input));
  if (!found) throw new EngineError(`expected an input '${name}', found ${Object.keys(inputs).join(", ")}`);
  return found[1];
}
