/** TF.js: runs the graph model of the bundle from memory. */

import { loadGraphModel, type GraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import type { Contents } from "../bundle.ts";
import { EngineError, messageOf } from "../errors.ts";
import type { Artifact, TensorInfo } from "../manifest.types.ts";
import { shown } from "../text.ts";
import type { Backend, OpenOptions, Placement } from "../types.ts";
import { inputFor, type Engine, type EngineKind, type Inputs, type Tensor } from "./base.ts";
import { checkTensors, type Found } from "./tensor_check.ts";
import { checkedTfjs } from "./tfjs_file.ts";

/** Prepares a backend for `tf.setBackend`, or throws an EngineError. */
export type SetUp = (backend: Backend, wasmPath: string | undefined) => Promise<void>;

/** TF.js with the backends that `setUp` supports. */
export function tfjsKind(setUp: SetUp): EngineKind {
  return {
    name: "tfjs",
    version: tf.version_core,
    async load(artifact: Artifact, contents: Contents, options: OpenOptions): Promise<Engine> {
      const backend = options.backend ?? "wasm";
      await setBackend(backend, options.wasmPath, setUp);
      return new TfjsEngine(artifact, await loadModel(artifact, contents), backend);
    },
  };
}

async function setBackend(backend: Backend, wasmPath: string | undefined, setUp: SetUp): Promise<void> {
  if (!["wasm", "webgl", "cpu"].includes(backend)) {
    throw new EngineError(`backend: expected wasm, webgl or cpu, found ${shown(backend)}`);
  }
  tf.enableProdMode(); // no console warnings
  await setUp(backend, wasmPath);
  const isSet = await tf.setBackend(backend).catch((error: unknown) => {
    throw new EngineError(`tfjs ${tf.version_core}: ${backend} cannot be used here: ${messageOf(error)}`);
  });
  if (!isSet) {
    throw new EngineError(`tfjs ${tf.version_core}: ${backend} cannot be used here; use another backend`);
  }
}

async function loadModel(artifact: Artifact, contents: Contents): Promise<GraphModel> {
  try {
    const model = await loadGraphModel({ load: async () => modelArtifacts(artifact, contents) });
    for (const [name, signature] of Object.entries(artifact.signatures)) {
      signature.inputs.forEach(checkDtype);
      const [inputs, outputs] = [model.inputs, model.outputs].map((tensors) => tensors.map(described));
      checkTensors(signature.path, name, signature, { inputs: inputs ?? [], outputs: outputs ?? [] });
    }
    return model;
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const reason = messageOf(error).replace(/; export the bundle again$/, "");
    throw new EngineError(`tfjs ${tf.version_core} rejected the model: ${reason}; export the bundle again`);
  }
}

function described({ name, dtype, shape }: { name: string; dtype?: string; shape?: number[] }): Found {
  return { name: name.replace(/:0$/, ""), dtype, shape };
}

/** The contents of model.json, with the weights from the verified shards. */
function modelArtifacts(artifact: Artifact, contents: Contents): tf.io.ModelArtifacts {
  const path = artifact.files.find((file) => file.path.endsWith("model.json"))?.path ?? "model.json";
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const model: unknown = checkedTfjs(contentOf(contents, path), path);
  const { modelTopology, weightsManifest, ...rest } = model as tf.io.ModelJSON;
  const shards = weightsManifest.flatMap(({ paths }) =>
    paths.map((name) => contentOf(contents, folder + name)),
  );
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
  return {
    ...rest,
    modelTopology,
    weightSpecs,
    weightData: shards.map(({ buffer }) => buffer),
  } as tf.io.ModelArtifacts;
}

function contentOf(contents: Contents, path: string): Uint8Array<ArrayBuffer> {
  const content = contents.get(path);
  if (content) return content;
  throw new EngineError(
    `the tfjs artifact refers to ${path}, which the manifest does not list; export it again`,
  );
}

class TfjsEngine implements Engine {
  readonly placement: Placement;
  readonly #artifact: Artifact;
  readonly #model: GraphModel;

  constructor(artifact: Artifact, model: GraphModel, backend: Backend) {
    this.placement = { engine: "tfjs", version: tf.version_core, backend, threads: 1 };
    this.#artifact = artifact;
    this.#model = model;
  }

  async run(signature: string, inputs: Inputs): Promise<Tensor> {
    const described = this.#artifact.signatures[signature];
    const output = described?.outputs[0];
    if (!described || !output) throw new EngineError(`the tfjs artifact has no signature '${signature}'`);
    let result: tf.Tensor | undefined;
    try {
      result = tf.tidy(() => {
        const feeds = described.inputs.map((tensor) => [tensor.name, toTfTensor(tensor, inputs)] as const);
        // A single output name returns a single tensor
        return this.#model.execute(Object.fromEntries(feeds), output.name) as tf.Tensor;
      });
      return { data: (await result.data()) as Tensor["data"], shape: result.shape };
    } catch (error) {
      if (error instanceof EngineError) throw error;
      throw new EngineError(`tfjs ${tf.version_core}: signature '${signature}' failed: ${messageOf(error)}`);
    } finally {
      result?.dispose();
    }
  }

  close(): void {
    this.#model.dispose();
  }
}

function toTfTensor(tensor: TensorInfo, inputs: Inputs): tf.Tensor {
  const { data, shape } = inputFor(tensor, inputs);
  return tf.tensor(data as Int32Array | Float32Array, [...shape], tensor.dtype as "int32" | "float32");
}

/** TF.js has only int32 and float32 tensors; any other dtype in the manifest is an EngineError. */
function checkDtype({ name, dtype }: TensorInfo): void {
  if (dtype === "int32" || dtype === "float32") return;
  throw new EngineError(`tfjs supports int32 and float32, but the input '${name}' is ${dtype}`);
}
