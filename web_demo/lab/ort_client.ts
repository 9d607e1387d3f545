/** Of RemoteRecommender, what a benchmark asks for, on onnxruntime-web. */

import { Connection } from "../src/hanji/connection.ts";
import { absolute } from "../src/hanji/places.ts";
import type { Ask, EngineName, Latency, Recommendations } from "../src/hanji/types.ts";
import OrtWorker from "./ort_worker.ts?worker";

export class OrtRecommender {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  static async open(url: string): Promise<OrtRecommender> {
    const connection = new Connection(new OrtWorker());
    const options = {
      engine: "onnxruntime" as EngineName,
      backend: "wasm",
      wasmPath: absolute("wasm/ort/"),
    } as const;
    await connection.ask("openRecommender", { url: absolute(url), options });
    return new OrtRecommender(connection);
  }

  recommend(ask: Ask, k = 10): Promise<Recommendations> {
    return this.#connection.ask("recommend", { ask, k, options: {} });
  }

  time(runs: number, ask: Ask, k = 10): Promise<Latency> {
    return this.#connection.ask("timeRecommend", { runs, ask, k });
  }

  close(): void {
    this.#connection.close("Recommender");
  }
}
