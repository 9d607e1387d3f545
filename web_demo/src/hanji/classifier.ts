import { kindFor, withFolder } from "./engines/lazy.ts";
import { OpenedClassifier } from "./opened_classifier.ts";
import { openClassifier } from "./opening.ts";
import type { OpenOptions } from "./types.ts";

/**
 * An open bundle that says what pictures show, in this thread. Make it with `Classifier.open`, and close it.
 *
 * A picture is scaled and normalized as in training: nothing of that is left to the caller.
 */
export class Classifier extends OpenedClassifier {
  /**
   * Verifies the bundle in the folder at `url` and loads its model.
   *
   * BundleError for a bundle that is missing, damaged, no classifier's, or made for a newer loader;
   * EngineError if the engine is not there or cannot run it.
   */
  static async open(url: string | URL, options: OpenOptions = {}): Promise<Classifier> {
    return new Classifier(await openClassifier(url, withFolder(options), kindFor));
  }
}
