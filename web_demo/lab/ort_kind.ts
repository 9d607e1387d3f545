/**
 * Single-threaded onnxruntime-web with the engine interface of the loader, so that the benchmark measures the
 * same surrounding work.
 */

import * as ort from "onnxruntime-web/wasm";
import {
  inputFor,
  type Engine,
  type EngineKind,
  type Inputs,
  type Tensor,
} from "../src/hanji/engines/base.ts";
import { EngineError } from "../src/hanji/errors.ts";
import type { Artifact } from "../src/hanji/manifest.types.ts";
import type { EngineName } from "../src/hanji/types.ts";

const version = ort.env.versions.common;

export const kind: EngineKind = {
  name: "onnxruntime" as EngineName, // not an engine of the loader, only for benchmarks
  version,
  async load(artifact, contents, options): Promise<Engine> {
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = options.wasmPath ?? "";
    ort.env.logLevel = "error";
    const sessions = new Map<string, ort.InferenceSession>();
    for (const { path } of artifact.files) {
      const content = contents.get(path);
      if (content)
        sessions.set(path, await ort.InferenceSession.create(content, { executionProviders: ["wasm"] }));
    }
    return new OrtEngine(artifact, sessions);
  },
};

class OrtEngine implements Engine {
  readonly placement = { engine: "onnxruntime", version, backend: "wasm", threads: 1 };
  readonly #artifact: Artifact;
  readonly #sessions: ReadonlyMap<string, ort.InferenceSession>;

  constructor(artifact: Artifact, sessions: ReadonlyMap<string, ort.InferenceSession>) {
    this.#artifact = artifact;
    this.#sessions = sessions;
  }

  async run(signature: string, inputs: Inputs): Promise<Tensor> {
    const described = this.#artifact.signatures[signature];
    const session = described && this.#sessions.get(described.path);
    const output = described?.outputs[0]?.name;
    if (!session || !output) throw new EngineError(`the onnx artifact has no signature '${signature}'`);
    const feeds = described.inputs.map((tensor) => {
      const { data, shape } = inputFor(tensor, inputs);
      return [tensor.name, new ort.Tensor(data as Int32Array, [...shape])] as const;
    });
    const found = (await session.run(Object.fromEntries(feeds), [output]))[output] as ort.Tensor;
    return { data: Float32Array.from(found.data as Float32Array), shape: found.dims };
  }

  close(): void {
    for (const session of this.#sessions.values()) void session.release();
  }
}
