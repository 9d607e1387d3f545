import { kindFor, withFolder } from "./engines/lazy.ts";
import { OpenedClassifier } from "./opened_classifier.ts";
import { openClassifier } from "./opening.ts";
import type { OpenOptions } from "./types.ts";

/**
 * An image classifier that runs in this thread. Create it with `Classifier.open`, and close it when done.
 *
 * Images are resized and normalized exactly as in training; the caller passes raw pixels.
 */
export class Classifier extends OpenedClassifier {
  /**
   * Verifies the bundle in the folder at `url` and loads its model.
   *
   * BundleError if the bundle is missing, damaged, for another task, or requires a newer loader; EngineError
   * if the engine is unavailable or cannot run the model.
   */
  static async open(url: string | URL, options: OpenOptions = {}): Promise<Classifier> {
    return new Classifier(await openClassifier(url, withFolder(options), kindFor));
  }
}
