package hanji

/**
 * Whatever hanji reports as one clear line: what was expected, what was found, where, and what to try.
 *
 *     HanjiException
 *     ├── BundleException             a bundle that cannot be used
 *     │   ├── SchemaVersionException  written by a newer hanji than this one can read
 *     │   └── ChecksumException       a file is not the one that was exported
 *     ├── EngineException             an inference engine is missing, too old, or refused the model
 *     ├── PictureException            pixels that are no picture
 *     ├── UnknownIdException          a user or item that the bundle does not know
 *     └── RequestException            an argument that cannot be served (Python raises HanjiError itself)
 */
sealed class HanjiException(message: String, cause: Throwable? = null) : Exception(message, cause)

/** The bundle is missing, incomplete or malformed. */
open class BundleException(message: String, cause: Throwable? = null) : HanjiException(message, cause)

/** The bundle follows a manifest schema that this reader does not know. */
class SchemaVersionException(message: String) : BundleException(message)

/** A file of the bundle differs from the one that was exported. */
class ChecksumException(message: String) : BundleException(message)

/** The inference engine is missing, too old, or refused the model. */
class EngineException(message: String, cause: Throwable? = null) : HanjiException(message, cause)

/** Pixels that are no picture. */
class PictureException(message: String) : HanjiException(message)

/** A user or item id that the bundle does not know. */
class UnknownIdException(message: String) : HanjiException(message)

/** An argument that cannot be served: a `k` that the catalogue cannot fill, a closed session. */
class RequestException(message: String) : HanjiException(message)
