/** LiteRT.js: runs the bundle's .tflite file, the very one that Python, Android and a Pi run. */

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
import { latestComplaint, loadWasm } from "./litert_wasm.ts";

export const kind: EngineKind = {
  name: "litert",
  version,
  async load(artifact: Artifact, contents: Contents, options: OpenOptions): Promise<Engine> {
    if ((options.backend ?? "wasm") !== "wasm") {
      throw new EngineError(
        `backend: expected wasm, where LiteRT.js computes here, found ${shown(options.backend)}`,
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
    return await loadAndCompile(content, { accelerator: "wasm" });
  } catch (error) {
    const reason = latestComplaint() ?? messageOf(error);
    throw new EngineError(`litert ${version} refused ${path}: ${reason}; take the engine tfjs`);
  }
}

/**
 * What the package keeps private, and what is needed of it: `run` of its own refuses inputs of unknown
 * length, though the engine behind it resizes them.
 */
interface BareRunner {
  signatureIndex: number;
  liteRtCompiledModel: { run(signature: number, inputs: unknown[]): BareTensor[] | Promise<BareTensor[]> };
}
type BareTensor = LiteRtTensor["liteRtTensorBuffer"];

class LiteRtEngine implements Engine {
  readonly placement: Placement = { engine: "litert", version, backend: "wasm", threads: 1 };
  readonly #artifact: Artifact;
  readonly #models: ReadonlyMap<string, CompiledModel>;

  constructor(artifact: Artifact, models: ReadonlyMap<string, CompiledModel>) {
    this.#artifact = artifact;
    this.#models = models;
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
      const reason = latestComplaint() ?? messageOf(error);
      throw new EngineError(`litert ${version}: signature '${signature}' failed: ${reason}`);
    } finally {
      for (const tensor of tensors) tensor.delete();
    }
  }

  close(): void {
    for (const model of this.#models.values()) model.delete();
  }

  /** The signature by its name, or, as others make their files, the only one there is. */
  #runner(name: string, { path }: Signature): SignatureRunner {
    const model = this.#models.get(path);
    if (!model) throw new EngineError(`the tflite artifact does not list ${path}; export it again`);
    return model.signatures[name] ?? model;
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
    const place = runner.getOutputDetails().findIndex(({ name }) => name === described.outputs[0]?.name);
    const output = outputs[place];
    if (!output) {
      const found = runner
        .getOutputDetails()
        .map(({ name }) => name)
        .join(", ");
      throw new EngineError(`expected an output '${described.outputs[0]?.name}', found ${found}`);
    }
    const data = output.toTypedArray() as Tensor["data"]; // a copy, which outlives the tensor
    return { data, shape: Array.from(output.type.layout.dimensions) };
  } finally {
    for (const output of outputs) output.delete();
  }
}

async function runResized(runner: SignatureRunner, tensors: LiteRtTensor[]): Promise<LiteRtTensor[]> {
  // A CompiledModel that stands for its only signature keeps that one's runner.
  const bare = ("defaultSignature" in runner ? runner.defaultSignature : runner) as unknown as BareRunner;
  const buffers = tensors.map((tensor) => tensor.liteRtTensorBuffer);
  const outputs = await bare.liteRtCompiledModel.run(bare.signatureIndex, buffers);
  return outputs.map((buffer) => new LiteRtTensor(buffer));
}

/**
 * LiteRT.js does not resize outputs: one that is as long as the history would come back cut, or not at all.
 */
function checkOutput(signature: string, { outputs }: Signature): void {
  if (signature === "classify" || !outputs[0]?.shape.includes(null)) return;
  throw new EngineError(
    `litert ${version} cannot answer signature '${signature}' in a browser, ` +
      "as its output has no fixed length; open the bundle with the engine tfjs",
  );
}

function namedTensor(tensors: readonly TensorInfo[], name: string): TensorInfo {
  const found = tensors.find((tensor) => tensor.name === name);
  if (found) return found;
  const known = tensors.map((tensor) => tensor.name).join(", ");
  throw new EngineError(
    `the .tflite file asks for an input '${name}', the manifest for ${known}; export it again`,
  );
}

function checkedData({ name, dtype }: TensorInfo, data: Tensor["data"]): Exclude<Tensor["data"], Int8Array> {
  if (!(data instanceof Int8Array)) return data;
  throw new EngineError(
    `litert ${version} takes float32, int32 and uint8 here, but the input '${name}' is ${dtype}`,
  );
}
