/** The messages between a page and its worker. One worker holds one open bundle. */

import * as errors from "./errors.ts";
import type { ExternalId, ItemsData } from "./ids.ts";
import type { ClassifierManifest, RecommenderManifest } from "./manifest.types.ts";
import type {
  Answer,
  Backend,
  Classification,
  ClassifyOptions,
  EngineName,
  Estimate,
  Latency,
  Opening,
  PixelArray,
  Placement,
  Query,
  Reason,
  Recommendations,
  RecommendOptions,
  SelfTest,
} from "./types.ts";

/** The `OpenOptions` that can be sent to a worker. */
export interface WorkerOptions {
  engine: EngineName;
  backend: Backend;
  wasmPath: string;
}

/** Without `filter`, because functions cannot be sent to a worker. */
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

/** The parameters and the result of each method. */
export interface Calls {
  openRecommender: { params: { url: string; options: WorkerOptions }; result: RecommenderOpened };
  openClassifier: { params: { url: string; options: WorkerOptions }; result: ClassifierOpened };
  recommend: {
    params: { query: Query; k: number; options: RemoteRecommendOptions };
    result: Recommendations;
  };
  why: { params: { history: readonly ExternalId[]; item: ExternalId; k: number }; result: Reason[] };
  scores: { params: { query: Query }; result: Float32Array };
  timeRecommend: { params: { runs: number; query: Query; k: number }; result: Latency };
  classify: { params: { pixels: PixelArray; k: number; options: ClassifyOptions }; result: Classification };
  estimate: { params: { pixels: PixelArray; options: ClassifyOptions }; result: Estimate };
  answer: { params: { pixels: PixelArray; k: number; options: ClassifyOptions }; result: Answer };
  probabilities: { params: { pixels: PixelArray }; result: Float32Array };
  timeClassify: { params: { runs: number; pixels: PixelArray; k: number }; result: Latency };
  selfTest: { params: object; result: SelfTest };
}

export type Method = keyof Calls;

/** A call; its replies have the same `id`. */
export type Request = { [M in Method]: { id: number; method: M; params: Calls[M]["params"] } }[Method];

export type Reply =
  | { id: number; kind: "result"; result: Calls[Method]["result"] }
  | { id: number; kind: "progress"; loaded: number; total: number }
  | { id: number; kind: "failure"; failure: Failure };

/** A serialized error; structured cloning does not keep the class of an error. */
export interface Failure {
  name: string;
  message: string;
}

const CLASSES: Record<string, new (message: string) => Error> = {
  BundleError: errors.BundleError,
  ChecksumError: errors.ChecksumError,
  EngineError: errors.EngineError,
  HanjiError: errors.HanjiError,
  ImageError: errors.ImageError,
  SchemaVersionError: errors.SchemaVersionError,
  UnknownIdError: errors.UnknownIdError,
  RangeError,
  TypeError,
};

export function failureOf(error: unknown): Failure {
  return { name: error instanceof Error ? error.name : "Error", message: errors.messageOf(error) };
}

/** Recreates an error with its class and message. */
export function errorOf({ name, message }: Failure): Error {
  const known = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
  return known ? new known(message) : new Error(`${name}: ${message}`);
}
