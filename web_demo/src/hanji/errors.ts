/**
 * Errors of the loader, with the same names as in the Python runtime.
 *
 *     HanjiError
 *     ├── BundleError             the bundle cannot be used
 *     │   ├── SchemaVersionError  the manifest was written by a newer hanji
 *     │   └── ChecksumError       a file differs from the exported one
 *     ├── EngineError             the inference engine is missing, too old, or rejected the model
 *     ├── ImageError              the pixel data is not a valid image
 *     └── UnknownIdError          a user or item id is not in the bundle
 *
 * Each message states where the error is, what was expected, what was found, and what to try.
 */

/** Base class of all errors that hanji reports; each has a one-line message. */
export class HanjiError extends Error {
  override readonly name: string = "HanjiError";
}

/** The bundle is missing, incomplete or malformed. */
export class BundleError extends HanjiError {
  override readonly name: string = "BundleError";
}

/** The manifest has a schema version that this loader does not support. */
export class SchemaVersionError extends BundleError {
  override readonly name = "SchemaVersionError";
}

/** A file of the bundle differs from the exported one. */
export class ChecksumError extends BundleError {
  override readonly name = "ChecksumError";
}

/** The inference engine is missing, too old, or rejected the model. */
export class EngineError extends HanjiError {
  override readonly name = "EngineError";
}

/** The pixel data is not a valid image. */
export class ImageError extends HanjiError {
  override readonly name = "ImageError";
}

/** A user or item id is not in the bundle. */
export class UnknownIdError extends HanjiError {
  override readonly name = "UnknownIdError";
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  // TF.js rejects with plain objects that have a message, browsers with Events that have none.
  if (typeof error === "object" && error !== null && "message" in error) return String(error.message);
  return typeof error === "string" ? error : `no reason was given (${Object.prototype.toString.call(error)})`;
}
