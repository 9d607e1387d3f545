/**
 * Errors of the loader: the names are those of the Python runtime.
 *
 *     HanjiError
 *     ├── BundleError             a bundle that cannot be used
 *     │   ├── SchemaVersionError  written by a newer hanji than this one can read
 *     │   └── ChecksumError       a file is not the one that was exported
 *     ├── EngineError             an inference engine is missing, too old, or refused the model
 *     ├── PictureError            pixels that are none
 *     └── UnknownIdError          a user or item that the bundle does not know
 *
 * Each message says what was expected, what was found, where, and what to try.
 */

/** Anything hanji reports to its user as one clear line. */
export class HanjiError extends Error {
  override readonly name: string = "HanjiError";
}

/** The bundle is missing, incomplete or malformed. */
export class BundleError extends HanjiError {
  override readonly name: string = "BundleError";
}

/** The bundle follows a manifest schema that this loader cannot read. */
export class SchemaVersionError extends BundleError {
  override readonly name = "SchemaVersionError";
}

/** A file of the bundle differs from the one that was exported. */
export class ChecksumError extends BundleError {
  override readonly name = "ChecksumError";
}

/** The inference engine is missing, too old, or refused the model. */
export class EngineError extends HanjiError {
  override readonly name = "EngineError";
}

/** Pixels that are no picture. */
export class PictureError extends HanjiError {
  override readonly name = "PictureError";
}

/** A user or item id that the bundle does not know. */
export class UnknownIdError extends HanjiError {
  override readonly name = "UnknownIdError";
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  // TF.js rejects with a plain object that has a message, browsers with an Event that has none.
  if (typeof error === "object" && error !== null && "message" in error) return String(error.message);
  return typeof error === "string" ? error : `no reason was given (${Object.prototype.toString.call(error)})`;
}
