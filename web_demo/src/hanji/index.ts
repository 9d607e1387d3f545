/**
 * hanji bundles in a browser. `Recommender` and `Classifier` run in the thread that opens them; a page should
 * use `RemoteRecommender` and `RemoteClassifier` from client.ts, which run in a worker and do not block it.
 *
 *     const films = await Recommender.open("bundles/films/");
 *     const { items } = await films.recommend({ history: [7, 31, 190] }); // oldest first
 */

export { Classifier } from "./classifier.ts";
export {
  BundleError,
  ChecksumError,
  EngineError,
  HanjiError,
  ImageError,
  SchemaVersionError,
  UnknownIdError,
} from "./errors.ts";
export { type ExternalId, Ids, Items } from "./ids.ts";
export type {
  AnyManifest,
  Artifact,
  ClassifierManifest,
  FileEntry,
  ImageInput,
  Output,
  RecommenderManifest,
} from "./manifest.types.ts";
export { Recommender } from "./recommender.ts";
export type {
  Answer,
  Backend,
  Classification,
  ClassifyOptions,
  EngineName,
  Estimate,
  Item,
  Latency,
  Opening,
  OpenOptions,
  PixelArray,
  Pixels,
  Placement,
  Prediction,
  Query,
  Reason,
  Recommendation,
  Recommendations,
  RecommendOptions,
  SelfTest,
  Value,
} from "./types.ts";
