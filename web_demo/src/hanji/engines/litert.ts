/** LiteRT.js: runs the .tflite file of the bundle, the same file as on other devices. */

import {
  loadAndCompile,
  Tensor as LiteRtTensor,
  type CompiledModel,
  type SignatureRunner,
} from "@litertjs/core";
import { version } from "@litertjs/core/package.json";
import type { Contents } from "../bundle.ts";
import { EngineError, messageOf } from "../errors.ts";
import type { Artifact, Signature, TensorInfo } from "../manifest.types.ts";
import { shown } from "../text.ts";
import type { OpenOptions, Placement } from "../types.ts";
import { inputFor, type Engine, type EngineKind, type Inputs, type Tensor } from "./base.ts";
import { latestError, loadWasm } from "./litert_wasm.ts";
import { checkTensors, type Found } from "./tensor_check.ts";
import { checkTflite } from "./tflite_file.ts";

export const kind: EngineKind = {
  name: "litert",
  version,
  async load(artifact: Artifact, contents: Contents, options: OpenOptions): Promise<Engine> {
    if ((options.backend ?? "wasm") !== "wasm") {
      throw new EngineError(
        `backend: expected wasm (LiteRT.js runs on the CPU here), found ${shown(options.backend)}`,
      );
    }
    await loadWasm(options.wasmPath);
    const models = new Map<string, CompiledModel>();
    for (const { path } of artifact.files) {
      models.set(path, await compiled(path, contents));
    }
    return new LiteRtEngine(artifact, models);
  },
};

async function compiled(path: string, contents: Contents): Promise<CompiledModel> {
  const content = contents.get(path);
  if (!content) throw new EngineError(`expected the verified content of ${path}, found none`);
  try {
    checkTflite(content, path);
    return await loadAndCompile(content, { accelerator: "wasm" });
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const reason = latestError() ?? messageOf(error);
    throw new EngineError(`litert ${version} rejected ${path}: ${reason}; use the engine tfjs`);
  }
}

/**
 * Internals of the package: the public `run` rejects inputs with dynamic shapes, although the underlying
 * engine supports resizing them.
 */
interface InternalRunner {
  signatureIndex: number;
  liteRtCompiledModel: {
    run(signature: number, inputs: unknown[]): InternalTensor[] | Promise<InternalTensor[]>;
  };
}
type InternalTensor = LiteRtTensor["liteRtTensorBuffer"];

class LiteRtEngine implements Engine {
  readonly placement: Placement = { engine: "litert", version, backend: "wasm", threads: 1 };
  readonly #artifact: Artifact;
  readonly #models: ReadonlyMap<string, CompiledModel>;

  constructor(artifact: Artifact, models: ReadonlyMap<string, CompiledModel>) {
    this.#artifact = artifact;
    this.#models = models;
    for (const [name, signature] of Object.entries(artifact.signatures)) {
      const runner = this.#runner(name, signature);
      const [inputs, outputs] = [
        detailsOf(() => runner.getInputDetails()),
        detailsOf(() => runner.getOutputDetails()),
      ];
      if (inputs && outputs) checkTensors(signature.path, name, signature, { inputs, outputs });
    }
  }

  async run(signature: string, inputs: Inputs): Promise<Tensor> {
    const described = this.#artifact.signatures[signature];
    if (!described) throw new EngineError(`the tflite artifact has no signature '${signature}'`);
    checkOutput(signature, described);
    const runner = this.#runner(signature, described);
    const order = runner.getInputDetails().map(({ name }) => namedTensor(described.inputs, name));
    const tensors = order.map((tensor) => {
      const { data, shape } = inputFor(tensor, inputs);
      return new LiteRtTensor(checkedData(tensor, data), [...shape]);
    });
    try {
      return await runWith(runner, described, tensors);
    } catch (error) {
      const reason = latestError() ?? messageOf(error);
      throw new EngineError(`litert ${version}: signature '${signature}' failed: ${reason}`);
    } finally {
      for (const tensor of tensors) tensor.delete();
    }
  }

  close(): void {
    for (const model of this.#models.values()) model.delete();
  }

  /** The signature called `name`, or, for files with unnamed signatures, the default one. */
  #runner(name: string, { path }: Signature): SignatureRunner {
    const model = this.#models.get(path);
    if (!model) throw new EngineError(`the tflite artifact does not list ${path}; export it again`);
    return model.signatures[name] ?? model;
  }
}

/** The tensors of a signature; undefined if LiteRT.js does not describe them, which it does not for int8. */
function detailsOf(read: () => ReturnType<SignatureRunner["getInputDetails"]>): Found[] | undefined {
  try {
    return read().map(({ name, dtype, shape }) => ({ name, dtype, shape: Array.from(shape) }));
  } catch {
    return undefined;
  }
}

async function runWith(
  runner: SignatureRunner,
  described: Signature,
  tensors: LiteRtTensor[],
): Promise<Tensor> {
  const isFixed = described.inputs.every(({ shape }) => shape.every((size) => size !== null));
  const outputs = isFixed ? await runner.run(tensors) : await runResized(runner, tensors);
  try {
    const index = runner.getOutputDetails().findIndex(({ name }) => name === described.outputs[0]?.name);
    const output = outputs[index];
    if (!output) {
      const found = runner
        .getOutputDetails()
        .map(({ name }) => name)
        .join(", ");
      throw new EngineError(`expected an output '${described.outputs[0]?.name}', found ${found}`);
    }
    const data = output.toTypedArray() as Tensor["data"]; // a copy, valid after the tensor is deleted
    return { data, shape: Array.from(output.type.layout.dimensions) };
  } finally {
    for (const output of outputs) output.delete();
  }
}

async function runResized(runner: SignatureRunner, tensors: LiteRtTensor[]): Promise<LiteRtTensor[]> {
  // A CompiledModel used in place of its only signature holds the runner of that signature.
  const internal = ("defaultSignature" in runner
    ? runner.defaultSignature
    : runner) as unknown as InternalRunner;
  const buffers = tensors.map((tensor) => tensor.liteRtTensorBuffer);
  const outputs = await internal.liteRtCompiledModel.run(internal.signatureIndex, buffers);
  return outputs.map((buffer) => new LiteRtTensor(buffer));
}

/**
 * LiteRT.js does not resize outputs: an output with one value per item of the history would be truncated or
 * missing.
 */
function checkOutput(signature: string, { outputs }: Signature): void {
  if (signature === "classify" || !outputs[0]?.shape.includes(null)) return;
  throw new EngineError(
    `litert ${version} cannot run signature '${signature}' in a browser, ` +
      "because its output has a dynamic shape; open the bundle with the engine tfjs",
  );
}

function namedTensor(tensors: readonly TensorInfo[], name: string): TensorInfo {
  const found = tensors.find((tensor) => tensor.name === name);
  if (found) return found;
  const known = tensors.map((tensor) => tensor.name).join(", ");
  throw new EngineError(
    `the .tflite file has an input '${name}', the manifest lists ${known}; export it again`,
  );
}

function checkedData({ name, dtype }: TensorInfo, data: Tensor["data"]): Exclude<Tensor["data"], Int8Array> {
  if (!(data instanceof Int8Array)) return data;
  throw new EngineError(
    `litert ${version} supports float32, int32 and uint8 here, but the input '${name}' is ${dtype}`,
  );
}
