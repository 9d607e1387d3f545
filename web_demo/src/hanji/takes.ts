import type { RecommenderManifest } from "./manifest.types.ts";

/** What a model is asked with: the id of a user it was trained on, or anybody's own history. */
export type Takes = "user" | "history";

export function takesOf(manifest: RecommenderManifest): Takes {
  return manifest.ids.users ? "user" : "history";
}
