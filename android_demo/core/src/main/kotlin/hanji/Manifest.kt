package hanji

/** A file of the bundle: its relative path, size and SHA-256 in hexadecimal. */
class FileEntry internal constructor(val path: String, val bytes: Int, val sha256: String)

/**
 * An input or output tensor. Null in [shape] means any size; quantized tensors have [scale] and [zeroPoint].
 */
class TensorInfo internal constructor(
    val name: String,
    val dtype: String,
    val shape: List<Int?>,
    val scale: Double?,
    val zeroPoint: Int?,
)

/** A signature of a model file. */
class Signature internal constructor(
    val name: String,
    val path: String,
    val inputs: List<TensorInfo>,
    val outputs: List<TensorInfo>,
)

/** An engine that can run an artifact, and its minimum version. */
class EngineRequirement internal constructor(val name: String, val oldestVersion: String)

/**
 * The deviation of the artifact from the original model; [reason] states why it was not checked.
 *
 * Errors refer to scores, or to the outputs of classifiers. [agreement] is the overlap of the top ten, the
 * agreement of the top-1 class, or that of an [Output].
 */
class Parity internal constructor(
    val checked: Boolean,
    val reason: String? = null,
    val engine: String? = null,
    val maxAbsError: Double? = null,
    val scoreTolerance: Double? = null,
    val agreement: Double? = null,
    val minimumAgreement: Double? = null,
)

/** The model in one format, with its files and signatures. */
class Artifact internal constructor(
    val format: String,
    val precision: String,
    val files: List<FileEntry>,
    val engines: List<EngineRequirement>,
    val signatures: Map<String, Signature>,
    val parity: Parity,
) {
    /** The main signature: "catalogue" takes a user, "history" a history, "classify" an image. */
    val mainSignature: String
        get() = listOf("classify", "history").firstOrNull { it in signatures } ?: "catalogue"

    /** The signature called [name]; EngineException if it is missing. */
    fun signature(name: String): Signature = signatures[name]
        ?: throw EngineException("the $format artifact has no signature '$name'; export it again")
}

/** The type of the model, and the parameter counts of the model in the bundle and of the full model. */
class ModelSummary internal constructor(
    val type: String,
    val parameters: Int,
    val fullParameters: Int,
    /** How many items of a history count, if their order does. */
    val latestItems: Int?,
)

/** The compression recipe and the types of its steps. */
class RecipeSummary internal constructor(val name: String, val sha256: String, val steps: List<String>)

/** Metrics of the full and the compressed model, and the evaluation protocol. */
class Metrics internal constructor(
    val protocol: String,
    val full: Map<String, Double>,
    val compressed: Map<String, Double>,
)

/**
 * The training data; [counts] holds "users", "items", "interactions" or "pictures", "classes".
 */
class TrainingData internal constructor(
    val name: String,
    val format: String,
    val synthetic: Boolean,
    val licence: String,
    val counts: Map<String, Long>,
)

/** The file with the ids of users or items, their number, and the policy for unknown ids. */
class IdTable internal constructor(val path: String, val count: Int, val unknown: String)

/** The file with the class names, and their number. */
class LabelTable internal constructor(val path: String, val count: Int)

/**
 * How images are prepared for the model's input, [1, height, width, channels]; see [prepare].
 *
 * [channels] is 1 for grey (ITU-R 601 luma) or 3 for RGB. [fit] is "crop", "stretch" or "pad". [mean] and
 * [std] have one value per channel on the scale of 0 to 255; the network receives (value - mean) / std.
 * [normalizedBy] is "graph" if the model takes pixel values, or "runtime" if it takes normalized values.
 * [background] is the RGB colour for transparent pixels and for the padding.
 */
class ImageInput internal constructor(
    val height: Int,
    val width: Int,
    val channels: Int,
    val fit: String,
    val mean: List<Double>,
    val std: List<Double>,
    val normalizedBy: String,
    val background: List<Int>,
) {
    /** Size of a prepared image in bytes. */
    val bytes: Int get() = height * width * channels
}

/**
 * How probabilities are computed from the model's output: "graph" if the output is probabilities, "softmax"
 * for softmax(output / temperature), "none" if the raw output is returned.
 */
class Probabilities internal constructor(val source: String, val temperature: Double)

/**
 * Outputs of a classifier that are not the classes of one label per image.
 *
 * [kind] is "multi-label" for independent probabilities: an image has the labels that reach their threshold,
 * one of [thresholds] for each. It is "values" for numbers such as an age, with one of [units] for each,
 * which is empty if there is none.
 */
class Output internal constructor(val kind: String, val thresholds: DoubleArray, val units: List<String>)

/** manifest.json: the fields of all tasks. It is defined by `manifest.schema.json`. */
sealed class Manifest(common: CommonFields) {
    val name: String = common.name
    val task: String = common.task
    val model: ModelSummary = common.model
    val artifacts: List<Artifact> = common.artifacts
    val files: List<FileEntry> = common.files
    val preprocessing: Map<String, String> = common.preprocessing
    val golden: String = common.golden
    val recipe: RecipeSummary = common.recipe
    val metrics: Metrics = common.metrics
    val seed: Long = common.seed
    val versions: Map<String, String> = common.versions
    abstract val trainingData: TrainingData
}

/** The manifest of a recommender. [users] is null if the model takes a history. */
class RecommenderManifest internal constructor(
    common: CommonFields,
    override val trainingData: TrainingData,
    val users: IdTable?,
    val items: IdTable,
) : Manifest(common) {
    /** The query that the model takes: "user", the id of a user in the training data, or "history". */
    val takes: String get() = if (users == null) "history" else "user"
}

/** The manifest of a classifier. [output] is null if an image has one label. */
class ClassifierManifest internal constructor(
    common: CommonFields,
    override val trainingData: TrainingData,
    val labels: LabelTable,
    val imageInput: ImageInput,
    val probabilities: Probabilities,
    val output: Output?,
) : Manifest(common)
