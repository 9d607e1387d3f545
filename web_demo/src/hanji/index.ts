/**
 * hanji bundles in a browser. `Recommender` and `Classifier` run in the thread that opens them; a page takes
 * `RemoteRecommender` and `RemoteClassifier` of client.ts, which run in a worker, so that it never freezes.
 *
 *     const films = await Recommender.open("bundles/films/");
 *     const { items } = await films.recommend({ history: [7, 31, 190] });
 */

export { Classifier } from "./classifier.ts";
export {
  BundleError,
  ChecksumError,
  EngineError,
  HanjiError,
  PictureError,
  SchemaVersionError,
  UnknownIdError,
} from "./errors.ts";
export { Ids, Items, type OwnId } from "./ids.ts";
export type {
  AnyManifest,
  Artifact,
  ClassifierManifest,
  FileEntry,
  PictureInput,
  RecommenderManifest,
} from "./manifest.types.ts";
export { Recommender } from "./recommender.ts";
export type {
  Ask,
  Backend,
  Classification,
  ClassifyOptions,
  EngineName,
  Item,
  Latency,
  OpenOptions,
  Opening,
  PixelArray,
  Pixels,
  Placement,
  Prediction,
  Reason,
  Recommendation,
  Recommendations,
  RecommendOptions,
  SelfTest,
} from "./types.ts";
