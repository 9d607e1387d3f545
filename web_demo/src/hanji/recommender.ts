import { kindFor, withFolder } from "./engines/lazy.ts";
import { OpenedRecommender } from "./opened_recommender.ts";
import { openRecommender } from "./opening.ts";
import type { OpenOptions } from "./types.ts";

/**
 * An open bundle that recommends, in this thread. Make it with `Recommender.open`, and close it.
 *
 * A bundle takes either the id of a user it was trained on or the user's own history, item ids that stay in
 * this browser: `takes` says which.
 */
export class Recommender extends OpenedRecommender {
  /**
   * Verifies the bundle in the folder at `url` and loads its model.
   *
   * BundleError for a bundle that is missing, damaged, no recommender's, or made for a newer loader;
   * EngineError if the engine is not there or cannot run it.
   */
  static async open(url: string | URL, options: OpenOptions = {}): Promise<Recommender> {
    return new Recommender(await openRecommender(url, withFolder(options), kindFor));
  }
}
