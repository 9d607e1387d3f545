/** The part of RemoteRecommender that the benchmark needs, on onnxruntime-web. */

import { Connection } from "../src/hanji/connection.ts";
import { absolute } from "../src/hanji/urls.ts";
import type { EngineName, Latency, Query, Recommendations } from "../src/hanji/types.ts";
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
    await connection.call("openRecommender", { url: absolute(url), options });
    return new OrtRecommender(connection);
  }

  recommend(query: Query, k = 10): Promise<Recommendations> {
    return this.#connection.call("recommend", { query, k, options: {} });
  }

  time(runs: number, query: Query, k = 10): Promise<Latency> {
    return this.#connection.call("timeRecommend", { runs, query, k });
  }

  close(): void {
    this.#connection.close("Recommender");
  }
}
