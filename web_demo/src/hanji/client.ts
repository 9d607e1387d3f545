/**
 * `Recommender` and `Classifier` for a page: the model runs in a worker, so the page never freezes.
 *
 * Each engine has a worker script of its own, which is only downloaded when the engine is chosen. Everything
 * but what opening has brought along is a promise. Errors are those of errors.ts, as if there were no worker.
 */

import LiteRtWorker from "./workers/litert.ts?worker";
import TfjsWorker from "./workers/tfjs.ts?worker";
import TfjsOtherWorker from "./workers/tfjs_other.ts?worker";
import { Connection, type WorkerLike } from "./connection.ts";
import { Items, type OwnId } from "./ids.ts";
import type { ClassifierManifest, PictureInput, RecommenderManifest } from "./manifest.types.ts";
import { absolute, wasmFolder } from "./places.ts";
import { pixelArray } from "./pixels.ts";
import type {
  ClassifierOpened,
  RecommenderOpened,
  RemoteRecommendOptions,
  WorkerOptions,
} from "./protocol.ts";
import { takesOf, type Takes } from "./takes.ts";
import type {
  Ask,
  Classification,
  ClassifyOptions,
  Latency,
  Opening,
  OpenOptions,
  Pixels,
  Placement,
  Reason,
  Recommendations,
  SelfTest,
} from "./types.ts";

export type { RemoteRecommendOptions } from "./protocol.ts";
export type { Latency, Opening } from "./types.ts";

/** All but `fetch`: a function cannot cross to a worker. */
export type RemoteOptions = Omit<OpenOptions, "fetch">;

export class RemoteRecommender {
  readonly manifest: RecommenderManifest;
  readonly takes: Takes;
  readonly placement: Placement;
  readonly items: Items;
  readonly opening: Opening;
  readonly #connection: Connection;

  private constructor(connection: Connection, opened: RecommenderOpened) {
    this.#connection = connection;
    this.manifest = opened.manifest;
    this.takes = takesOf(opened.manifest);
    this.placement = opened.placement;
    this.items = new Items(opened.items);
    this.opening = opened.opening;
  }

  /** As `Recommender.open`, in a worker of its own. `url` is relative to the page. */
  static async open(url: string | URL, options: RemoteOptions = {}): Promise<RemoteRecommender> {
    const { connection, ask } = connected(url, options);
    try {
      return new RemoteRecommender(
        connection,
        await connection.ask("openRecommender", ask, options.onProgress),
      );
    } catch (error) {
      connection.close("Recommender");
      throw error;
    }
  }

  /** As `Recommender.recommend`, which says what everything means. */
  recommend(ask: Ask, k = 10, options: RemoteRecommendOptions = {}): Promise<Recommendations> {
    return this.#connection.ask("recommend", { ask, k, options });
  }

  /** As `Recommender.why`. */
  why(history: readonly OwnId[], item: OwnId, k = 3): Promise<Reason[]> {
    return this.#connection.ask("why", { history, item, k });
  }

  /** As `Recommender.scores`: float32 [items]. */
  scores(ask: Ask): Promise<Float32Array> {
    return this.#connection.ask("scores", { ask });
  }

  /** Replays golden.json. */
  selfTest(): Promise<SelfTest> {
    return this.#connection.ask("selfTest", {});
  }

  /**
   * Times `recommend(ask, k)`, `runs` times after a few that do not count, without the way to the worker and
   * back.
   */
  time(runs: number, ask: Ask, k = 10): Promise<Latency> {
    return this.#connection.ask("timeRecommend", { runs, ask, k });
  }

  /** Ends the worker. */
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

  /** As `Classifier.open`, in a worker of its own. `url` is relative to the page. */
  static async open(url: string | URL, options: RemoteOptions = {}): Promise<RemoteClassifier> {
    const { connection, ask } = connected(url, options);
    try {
      return new RemoteClassifier(
        connection,
        await connection.ask("openClassifier", ask, options.onProgress),
      );
    } catch (error) {
      connection.close("Classifier");
      throw error;
    }
  }

  /** What becomes of a picture before the model sees it. */
  get picture(): PictureInput {
    return this.manifest.picture;
  }

  /** As `Classifier.classify`. */
  async classify(pixels: Pixels, k = 5, options: ClassifyOptions = {}): Promise<Classification> {
    return this.#connection.ask("classify", { pixels: pixelArray(pixels), k, options });
  }

  /** As `Classifier.probabilities`: float32 [classes]. */
  async probabilities(pixels: Pixels): Promise<Float32Array> {
    return this.#connection.ask("probabilities", { pixels: pixelArray(pixels) });
  }

  /** Replays golden.json. */
  selfTest(): Promise<SelfTest> {
    return this.#connection.ask("selfTest", {});
  }

  /**
   * Times `classify(pixels, k)`, `runs` times after a few that do not count, without the way to the worker
   * and back.
   */
  async time(runs: number, pixels: Pixels, k = 5): Promise<Latency> {
    return this.#connection.ask("timeClassify", { runs, pixels: pixelArray(pixels), k });
  }

  /** Ends the worker. */
  close(): void {
    this.#connection.close("Classifier");
  }
}

function connected(url: string | URL, options: RemoteOptions) {
  const { engine = "tfjs", backend = "wasm" } = options;
  const wasmPath = absolute(options.wasmPath ?? wasmFolder(engine));
  const workerOptions: WorkerOptions = { engine, backend, wasmPath };
  return {
    connection: new Connection(workerFor(workerOptions)),
    ask: { url: absolute(url), options: workerOptions },
  };
}

/** The script of an engine that nobody knows is TF.js's, which refuses it by name. */
function workerFor({ engine, backend }: WorkerOptions): WorkerLike {
  const name = `hanji ${engine} ${backend}`;
  if (engine === "litert") return new LiteRtWorker({ name });
  return backend === "wasm" ? new TfjsWorker({ name }) : new TfjsOtherWorker({ name });
}
