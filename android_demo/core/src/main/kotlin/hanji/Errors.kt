package hanji

/**
 * Base class of all errors. The one-line messages state where the error is, what was expected, what was
 * found, and what to try.
 *
 *     HanjiException
 *     ├── BundleException             the bundle cannot be used
 *     │   ├── SchemaVersionException  the manifest was written by a newer hanji
 *     │   └── ChecksumException       a file differs from the exported one
 *     ├── EngineException             the inference engine is missing, too old, or rejected the model
 *     ├── ImageException              the pixel data is not a valid image
 *     ├── UnknownIdException          a user or item id is not in the bundle
 *     └── RequestException            an invalid argument (HanjiError in Python)
 */
sealed class HanjiException(message: String, cause: Throwable? = null) : Exception(message, cause)

/** The bundle is missing, incomplete or malformed. */
open class BundleException(message: String, cause: Throwable? = null) : HanjiException(message, cause)

/** The manifest has a schema version that this reader does not support. */
class SchemaVersionException(message: String) : BundleException(message)

/** A file of the bundle differs from the exported one. */
class ChecksumException(message: String) : BundleException(message)

/** The inference engine is missing, too old, or rejected the model. */
class EngineException(message: String, cause: Throwable? = null) : HanjiException(message, cause)

/** The pixel data is not a valid image. */
class ImageException(message: String) : HanjiException(message)

/** A user or item id is not in the bundle. */
class UnknownIdException(message: String) : HanjiException(message)

/** An invalid argument or state, such as a `k` that exceeds the catalogue, or a closed session. */
class RequestException(message: String) : HanjiException(message)
