import { kindFor, withFolder } from "./engines/lazy.ts";
import { OpenedRecommender } from "./opened_recommender.ts";
import { openRecommender } from "./opening.ts";
import type { OpenOptions } from "./types.ts";

/**
 * A recommender that runs in this thread. Create it with `Recommender.open`, and close it when done.
 *
 * A bundle takes either the id of a user in its training data or a history of item ids, which stays in this
 * browser; `takes` states which.
 */
export class Recommender extends OpenedRecommender {
  /**
   * Verifies the bundle in the folder at `url` and loads its model.
   *
   * BundleError if the bundle is missing, damaged, for another task, or requires a newer loader; EngineError
   * if the engine is unavailable or cannot run the model.
   */
  static async open(url: string | URL, options: OpenOptions = {}): Promise<Recommender> {
    return new Recommender(await openRecommender(url, withFolder(options), kindFor));
  }
}
