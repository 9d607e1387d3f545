/** What a page and its worker say to each other. One worker holds one open bundle. */

import * as errors from "./errors.ts";
import type { ItemsData, OwnId } from "./ids.ts";
import type { ClassifierManifest, RecommenderManifest } from "./manifest.types.ts";
import type {
  Ask,
  Backend,
  Classification,
  ClassifyOptions,
  EngineName,
  Latency,
  Opening,
  PixelArray,
  Placement,
  Reason,
  Recommendations,
  RecommendOptions,
  SelfTest,
} from "./types.ts";

/** Of `OpenOptions`, what can cross to a worker. */
export interface WorkerOptions {
  engine: EngineName;
  backend: Backend;
  wasmPath: string;
}

/** All but `filter`: a function cannot cross to a worker. */
export type RemoteRecommendOptions = Omit<RecommendOptions, "filter">;

export interface RecommenderOpened {
  manifest: RecommenderManifest;
  placement: Placement;
  opening: Opening;
  items: ItemsData;
}

export interface ClassifierOpened {
  manifest: ClassifierManifest;
  placement: Placement;
  opening: Opening;
  labels: readonly string[];
  names: Record<string, readonly string[]>;
}

/** By method: what is asked and what is answered. */
export interface Calls {
  openRecommender: { ask: { url: string; options: WorkerOptions }; answer: RecommenderOpened };
  openClassifier: { ask: { url: string; options: WorkerOptions }; answer: ClassifierOpened };
  recommend: { ask: { ask: Ask; k: number; options: RemoteRecommendOptions }; answer: Recommendations };
  why: { ask: { history: readonly OwnId[]; item: OwnId; k: number }; answer: Reason[] };
  scores: { ask: { ask: Ask }; answer: Float32Array };
  timeRecommend: { ask: { runs: number; ask: Ask; k: number }; answer: Latency };
  classify: { ask: { pixels: PixelArray; k: number; options: ClassifyOptions }; answer: Classification };
  probabilities: { ask: { pixels: PixelArray }; answer: Float32Array };
  timeClassify: { ask: { runs: number; pixels: PixelArray; k: number }; answer: Latency };
  selfTest: { ask: object; answer: SelfTest };
}

export type Method = keyof Calls;

/** One question; `id` is that of its reply. */
export type Request = { [M in Method]: { id: number; method: M; ask: Calls[M]["ask"] } }[Method];

export type Reply =
  | { id: number; kind: "answer"; answer: Calls[Method]["answer"] }
  | { id: number; kind: "progress"; loaded: number; all: number }
  | { id: number; kind: "failure"; failure: Failure };

/** An error on its way: structured cloning would forget of which class it was. */
export interface Failure {
  name: string;
  message: string;
}

const CLASSES: Record<string, new (message: string) => Error> = {
  BundleError: errors.BundleError,
  ChecksumError: errors.ChecksumError,
  EngineError: errors.EngineError,
  HanjiError: errors.HanjiError,
  PictureError: errors.PictureError,
  SchemaVersionError: errors.SchemaVersionError,
  UnknownIdError: errors.UnknownIdError,
  RangeError,
  TypeError,
};

export function failureOf(error: unknown): Failure {
  return { name: error instanceof Error ? error.name : "Error", message: errors.messageOf(error) };
}

/** The error again, with its class and its message. */
export function errorOf({ name, message }: Failure): Error {
  const known = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
  return known ? new known(message) : new Error(`${name}: ${message}`);
}
