/** Options and results of the loader, with the same names and structure as in Python's `hanji.runtime`. */

import type { ExternalId } from "./ids.ts";

export type EngineName = "tfjs" | "litert";

/** The backend of TF.js. LiteRT.js supports "wasm" only. */
export type Backend = "wasm" | "webgl" | "cpu";

export interface OpenOptions {
  /** "tfjs" by default. There is no silent fallback: an unavailable engine is an EngineError. */
  engine?: EngineName;
  /** "wasm" by default. */
  backend?: Backend;
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch;
  /** Called while the files of the bundle are downloaded. */
  onProgress?: (loadedBytes: number, totalBytes: number) => void;
  /** URL of the folder with the engine's WebAssembly files, ending with a slash. */
  wasmPath?: string;
}

/** The engine in use, its version, its backend, and its number of threads. */
export interface Placement {
  engine: string;
  version: string;
  backend: string;
  threads: number;
}

/**
 * What to recommend for: the id of a user in the training data, or a history of item ids, whichever the
 * bundle takes (see `takes`).
 */
export interface Query {
  user?: ExternalId;
  /** Item ids, oldest first; duplicates count once, at their last position. */
  history?: readonly ExternalId[];
}

export interface RecommendOptions {
  /** Whether to leave out items of the history; true by default. */
  excludeSeen?: boolean;
  /** Further item ids to leave out. */
  exclude?: readonly ExternalId[];
  /** Called with items in descending order of score, until enough items pass. */
  filter?: (item: Item) => boolean;
  /**
   * In [0, 1): diversifies genres by maximal marginal relevance; ranks then follow the order of selection,
   * not the score.
   */
  diversity?: number;
  /** The maximum number of reasons per item in `why`; costs one model call per item. */
  explain?: number;
}

/** The description of an item in the bundle. */
export interface Item {
  id: ExternalId;
  title: string;
  genres: readonly string[];
}

/** An item of the history with a positive contribution to the score of a recommended item. */
export interface Reason {
  item: ExternalId;
  title: string;
  /** Its share of all positive contributions, in (0, 1]; the shares of all such items sum to 1. */
  share: number;
  /** Its contribution to the score. */
  contribution: number;
}

export interface Recommendation {
  /** Starts at 1. */
  rank: number;
  item: ExternalId;
  title: string;
  genres: readonly string[];
  score: number;
  /** The reasons requested by `explain`, largest contribution first. */
  why: readonly Reason[];
}

export interface Recommendations {
  /** Best first. */
  items: readonly Recommendation[];
  /** "popularity" if the user or history is unknown to the model; scores are then interaction counts. */
  source: "model" | "popularity";
  /** Explains deviations from the request, such as skipped ids; empty if there are none. */
  note: string;
  /** Number of unknown ids in `history` and `exclude`. */
  skipped: number;
}

/** A class and its probability. */
export interface Prediction {
  rank: number;
  label: string;
  /** The label in the requested language, or the label itself. */
  name: string;
  probability: number;
  /** Its index in the labels of the bundle. */
  index: number;
}

export interface Classification {
  /** Most probable first; empty if the labels have thresholds and none is reached. */
  predictions: readonly Prediction[];
}

/** An estimated number. */
export interface Value {
  label: string;
  /** As of a `Prediction`. */
  name: string;
  value: number;
  /** Empty if it has none. */
  unit: string;
}

export interface Estimate {
  /** In the order of the bundle's labels. */
  values: readonly Value[];
}

/** Of `classify` or of `estimate`. */
export type Answer = Classification | Estimate;

/** Pixel values of 0 to 255 in row-major order with interleaved channels. */
export interface PixelArray {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  /** 1: grey. 3: RGB. 4: RGBA with straight (not premultiplied) alpha. */
  channels: 1 | 3 | 4;
}

/** An image. An ImageData has four channels. */
export type Pixels = ImageData | PixelArray;

export interface ClassifyOptions {
  /** The language of each prediction's `name`: one of the bundle's `names`. */
  language?: string;
}

/** The result of replaying golden.json; `detail` is a summary for humans. */
export interface SelfTest {
  passed: boolean;
  cases: number;
  maxAbsError: number;
  tolerance: number;
  detail: string;
}

/** Downloads and timings of opening a bundle. */
export interface Opening {
  /** Size of the downloaded bundle files, without the engine's own files. */
  downloadedBytes: number;
  files: readonly { path: string; bytes: number; sha256: string }[];
  /** Wall-clock time; `load` includes loading the engine and its WebAssembly. */
  milliseconds: { download: number; verify: number; load: number };
}

/** Latency of repeated calls with the same query, measured in the worker. */
export interface Latency {
  runs: number;
  /** Of the whole call: input preparation, engine, ranking. */
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  /** Of the engine alone: inputs, model, outputs. */
  engineP50Ms: number;
}
