/** What the loader takes and answers: the same names and shapes as in Python's `hanji.runtime`. */

import type { OwnId } from "./ids.ts";

export type EngineName = "tfjs" | "litert";

/** Where TF.js computes. LiteRT.js computes on "wasm" only. */
export type Backend = "wasm" | "webgl" | "cpu";

export interface OpenOptions {
  /**
   * "tfjs" unless it is given. Nothing falls back in silence: an engine that is not there is an EngineError.
   */
  engine?: EngineName;
  /** "wasm" unless it is given. */
  backend?: Backend;
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch;
  /** Told as bytes of the bundle arrive; `allBytes` is 0 until the manifest is known. */
  onProgress?: (loadedBytes: number, allBytes: number) => void;
  /** URL of the folder with the engine's WebAssembly files, ending with a slash. */
  wasmPath?: string;
}

/** The engine that answers, its version, where it computes, and how many threads it may use. */
export interface Placement {
  engine: string;
  version: string;
  backend: string;
  threads: number;
}

/**
 * Who is asked for: a user that the model was trained on, or anybody's own history; the bundle's `takes` says
 * which.
 */
export interface Ask {
  user?: OwnId;
  /** Own item ids, oldest first; a repeat counts once, where it came last. */
  history?: readonly OwnId[];
}

export interface RecommendOptions {
  /** Whether items of the history are left out: true unless it is given. */
  excludeSeen?: boolean;
  /** More own item ids to leave out. */
  exclude?: readonly OwnId[];
  /** Asked about one item after another, from the best score downwards, until enough have passed. */
  filter?: (item: Item) => boolean;
  /**
   * In [0, 1): spreads the genres by maximal marginal relevance; ranks then follow the choice, not the score.
   */
  diversity?: number;
  /** Gives each item at most so many reasons in `why`, at the price of one call of the model per item. */
  explain?: number;
}

/** What a bundle says of an item. */
export interface Item {
  id: OwnId;
  title: string;
  genres: readonly string[];
}

/** An item of the history that raised the score of a recommended one. */
export interface Reason {
  item: OwnId;
  title: string;
  /** Its part of all that raised the score, above 0 and at most 1; over all such items they sum to 1. */
  share: number;
  /** What it added to the score itself. */
  contribution: number;
}

export interface Recommendation {
  /** From 1 on. */
  rank: number;
  item: OwnId;
  title: string;
  genres: readonly string[];
  score: number;
  /** The reasons that were asked for with `explain`, the strongest first. */
  why: readonly Reason[];
}

export interface Recommendations {
  /** Best first. */
  items: readonly Recommendation[];
  /** "popularity" where the model knows nothing of the user; scores are then interactions. */
  source: "model" | "popularity";
  /** Says in words what was not as asked; empty if all was. */
  note: string;
  /** Ids in `history` and `exclude` that the bundle does not know. */
  skipped: number;
}

/** A class that a picture may show. */
export interface Prediction {
  rank: number;
  label: string;
  /** The label in the language that was asked for, or the label itself. */
  name: string;
  probability: number;
  /** Its place among the bundle's labels. */
  index: number;
}

export interface Classification {
  /** The most probable first. */
  predictions: readonly Prediction[];
}

/** Levels of 0 to 255, row by row, the channels of a pixel side by side. */
export interface PixelArray {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  /** 1: grey. 3: red, green, blue. 4: and alpha, not multiplied in. */
  channels: 1 | 3 | 4;
}

/** A picture. An ImageData has four channels. */
export type Pixels = ImageData | PixelArray;

export interface ClassifyOptions {
  /** One of the bundle's `names`: what each prediction's `name` is. */
  language?: string;
}

/** The outcome of replaying golden.json; `detail` says in words what was found. */
export interface SelfTest {
  passed: boolean;
  cases: number;
  maxAbsError: number;
  tolerance: number;
  detail: string;
}

/** What opening a bundle took. */
export interface Opening {
  /** Of the bundle's files; the engine's own are not counted. */
  downloadedBytes: number;
  files: readonly { path: string; bytes: number; sha256: string }[];
  /** Wall time; `load` includes that of the engine and its WebAssembly. */
  milliseconds: { download: number; verify: number; load: number };
}

/** Times of one question asked again and again, in the worker. */
export interface Latency {
  runs: number;
  /** Of the whole call: question, engine, ranking. */
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  /** Of the engine's part in it: inputs, model, outputs. */
  engineP50Ms: number;
}
