import type { RecommenderManifest } from "./manifest.types.ts";

/** What a recommender takes as its query: the id of a user in the training data, or a history of item ids. */
export type QueryKind = "user" | "history";

export function queryKindOf(manifest: RecommenderManifest): QueryKind {
  return manifest.ids.users ? "user" : "history";
}
