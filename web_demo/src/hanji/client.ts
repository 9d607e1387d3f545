/**
 * `Recommender` and `Classifier` for a page: the model runs in a worker, so it never blocks the page.
 *
 * Each engine has its own worker script, which is downloaded only when the engine is selected. All methods
 * are asynchronous; data that is available after opening is in plain fields. Errors are those of errors.ts,
 * as if there were no worker.
 */

import LiteRtWorker from "./workers/litert.ts?worker";
import TfjsWorker from "./workers/tfjs.ts?worker";
import TfjsOtherWorker from "./workers/tfjs_other.ts?worker";
import { Connection, type WorkerLike } from "./connection.ts";
import { type ExternalId, Items } from "./ids.ts";
import type { ClassifierManifest, ImageInput, RecommenderManifest } from "./manifest.types.ts";
import { pixelArray } from "./pixels.ts";
import type {
  ClassifierOpened,
  RecommenderOpened,
  RemoteRecommendOptions,
  WorkerOptions,
} from "./protocol.ts";
import { type QueryKind, queryKindOf } from "./query_kind.ts";
import type {
  Answer,
  Classification,
  ClassifyOptions,
  Estimate,
  Latency,
  Opening,
  OpenOptions,
  Pixels,
  Placement,
  Query,
  Reason,
  Recommendations,
  SelfTest,
} from "./types.ts";
import { absolute, wasmFolder } from "./urls.ts";

export type { RemoteRecommendOptions } from "./protocol.ts";
export type { Latency, Opening } from "./types.ts";

/** Without `fetch`, because functions cannot be sent to a worker. */
export type RemoteOptions = Omit<OpenOptions, "fetch">;

export class RemoteRecommender {
  readonly manifest: RecommenderManifest;
  readonly takes: QueryKind;
  readonly placement: Placement;
  readonly items: Items;
  readonly opening: Opening;
  readonly #connection: Connection;

  private constructor(connection: Connection, opened: RecommenderOpened) {
    this.#connection = connection;
    this.manifest = opened.manifest;
    this.takes = queryKindOf(opened.manifest);
    this.placement = opened.placement;
    this.items = Items.from(opened.items, opened.manifest.ids.items.count);
    this.opening = opened.opening;
  }

  /** Like `Recommender.open`, but in a dedicated worker. `url` is relative to the page. */
  static async open(url: string | URL, options: RemoteOptions = {}): Promise<RemoteRecommender> {
    const { connection, params } = connect(url, options);
    try {
      return new RemoteRecommender(
        connection,
        await connection.call("openRecommender", params, options.onProgress),
      );
    } catch (error) {
      connection.close("Recommender");
      throw error;
    }
  }

  /** See `Recommender.recommend`. */
  recommend(query: Query, k = 10, options: RemoteRecommendOptions = {}): Promise<Recommendations> {
    return this.#connection.call("recommend", { query, k, options });
  }

  /** See `Recommender.why`. */
  why(history: readonly ExternalId[], item: ExternalId, k = 3): Promise<Reason[]> {
    return this.#connection.call("why", { history, item, k });
  }

  /** See `Recommender.scores`: float32 [items]. */
  scores(query: Query): Promise<Float32Array> {
    return this.#connection.call("scores", { query });
  }

  /** Replays golden.json. */
  selfTest(): Promise<SelfTest> {
    return this.#connection.call("selfTest", {});
  }

  /**
   * Latency of `recommend(query, k)` over `runs` calls after a warm-up, measured inside the worker, so
   * without the messages between page and worker.
   */
  time(runs: number, query: Query, k = 10): Promise<Latency> {
    return this.#connection.call("timeRecommend", { runs, query, k });
  }

  /** Terminates the worker. */
  close(): void {
    this.#connection.close("Recommender");
  }
}

export class RemoteClassifier {
  readonly manifest: ClassifierManifest;
  readonly placement: Placement;
  readonly labels: readonly string[];
  readonly names: Record<string, readonly string[]>;
  readonly opening: Opening;
  readonly #connection: Connection;

  private constructor(connection: Connection, opened: ClassifierOpened) {
    this.#connection = connection;
    this.manifest = opened.manifest;
    this.placement = opened.placement;
    this.labels = opened.labels;
    this.names = opened.names;
    this.opening = opened.opening;
  }

  /** Like `Classifier.open`, but in a dedicated worker. `url` is relative to the page. */
  static async open(url: string | URL, options: RemoteOptions = {}): Promise<RemoteClassifier> {
    const { connection, params } = connect(url, options);
    try {
      return new RemoteClassifier(
        connection,
        await connection.call("openClassifier", params, options.onProgress),
      );
    } catch (error) {
      connection.close("Classifier");
      throw error;
    }
  }

  /** How an image is prepared for the model. */
  get imageInput(): ImageInput {
    return this.manifest.picture;
  }

  /** See `Classifier.classify`. */
  async classify(pixels: Pixels, k = 5, options: ClassifyOptions = {}): Promise<Classification> {
    return this.#connection.call("classify", { pixels: pixelArray(pixels), k, options });
  }

  /** See `Classifier.estimate`. */
  async estimate(pixels: Pixels, options: ClassifyOptions = {}): Promise<Estimate> {
    return this.#connection.call("estimate", { pixels: pixelArray(pixels), options });
  }

  /** See `Classifier.answer`. */
  async answer(pixels: Pixels, k = 5, options: ClassifyOptions = {}): Promise<Answer> {
    return this.#connection.call("answer", { pixels: pixelArray(pixels), k, options });
  }

  /** See `Classifier.probabilities`: float32 [classes]. */
  async probabilities(pixels: Pixels): Promise<Float32Array> {
    return this.#connection.call("probabilities", { pixels: pixelArray(pixels) });
  }

  /** Replays golden.json. */
  selfTest(): Promise<SelfTest> {
    return this.#connection.call("selfTest", {});
  }

  /**
   * Latency of `answer(pixels, k)` over `runs` calls after a warm-up, measured inside the worker, so
   * without the messages between page and worker.
   */
  async time(runs: number, pixels: Pixels, k = 5): Promise<Latency> {
    return this.#connection.call("timeClassify", { runs, pixels: pixelArray(pixels), k });
  }

  /** Terminates the worker. */
  close(): void {
    this.#connection.close("Classifier");
  }
}

function connect(url: string | URL, options: RemoteOptions) {
  const { engine = "tfjs", backend = "wasm" } = options;
  const wasmPath = absolute(options.wasmPath ?? wasmFolder(engine));
  const workerOptions: WorkerOptions = { engine, backend, wasmPath };
  return {
    connection: new Connection(workerFor(workerOptions)),
    params: { url: absolute(url), options: workerOptions },
  };
}

/** An unknown engine gets the TF.js worker, which rejects it with an error that names it. */
function workerFor({ engine, backend }: WorkerOptions): WorkerLike {
  const name = `hanji ${engine} ${backend}`;
  if (engine === "litert") return new LiteRtWorker({ name });
  return backend === "wasm" ? new TfjsWorker({ name }) : new TfjsOtherWorker({ name });
}
