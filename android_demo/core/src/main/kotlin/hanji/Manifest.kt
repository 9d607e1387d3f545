package hanji

/** One file of the bundle: its path inside it, its size and its SHA-256 in hex. */
class FileEntry internal constructor(val path: String, val bytes: Int, val sha256: String)

/** One input or output. Null in [shape] is any size; [scale] and [zeroPoint] belong to integers. */
class TensorInfo internal constructor(
    val name: String,
    val dtype: String,
    val shape: List<Int?>,
    val scale: Double?,
    val zeroPoint: Int?,
)

/** One way to call a model file. */
class Signature internal constructor(
    val name: String,
    val path: String,
    val inputs: List<TensorInfo>,
    val outputs: List<TensorInfo>,
)

/** An engine that runs an artifact, and the oldest version of it that does. */
class EngineRequirement internal constructor(val name: String, val oldestVersion: String)

/**
 * How far the artifact was from the model it came from; [reason] says why it was not checked.
 *
 * Errors are of scores, or of probabilities where the artifact classifies pictures. [agreement] is the part
 * of the ten best, or of the best classes, that were the same.
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

/** The model in one format. */
class Artifact internal constructor(
    val format: String,
    val precision: String,
    val files: List<FileEntry>,
    val engines: List<EngineRequirement>,
    val signatures: Map<String, Signature>,
    val parity: Parity,
) {
    /** The one that answers: "catalogue" takes a user, "history" a history, "classify" a picture. */
    val mainSignature: String
        get() = listOf("classify", "history").firstOrNull { it in signatures } ?: "catalogue"

    /** The signature called [name]; EngineException if the artifact has none. */
    fun signature(name: String): Signature = signatures[name]
        ?: throw EngineException("the $format artifact has no signature '$name'; export it again")
}

/** Type and parameter counts: of the model in the bundle and of the full one it came from. */
class ModelSummary internal constructor(val type: String, val parameters: Int, val fullParameters: Int)

/** The compression recipe that was followed, and the types of its steps. */
class RecipeSummary internal constructor(val name: String, val sha256: String, val steps: List<String>)

/** Metrics of the full and the compressed model, and how they were measured. */
class Metrics internal constructor(
    val protocol: String,
    val full: Map<String, Double>,
    val compressed: Map<String, Double>,
)

/**
 * What the model was trained on; [counts] holds "users", "items", "interactions" or "pictures", "classes".
 */
class TrainingData internal constructor(
    val name: String,
    val format: String,
    val synthetic: Boolean,
    val licence: String,
    val counts: Map<String, Long>,
)

/** The file with the ids of users or items, how many there are, and what an unknown one gets. */
class IdTable internal constructor(val path: String, val count: Int, val unknown: String)

/** The file with the names of the classes, and how many there are. */
class LabelTable internal constructor(val path: String, val count: Int)

/**
 * How any picture becomes the model's input, [1, height, width, channels]; [prepare] says it number by
 * number.
 *
 * [channels] is 1 for grey (ITU-R 601 luma), 3 for red, green, blue. [fit] is "crop", "stretch" or "pad".
 * [mean] and [std] are one each per channel, in levels of 0 to 255: the network sees (level - mean) / std.
 * [normalizedBy] is "graph" where the model takes levels, "runtime" where it takes normalized numbers.
 * [background] is red, green, blue behind transparent pixels and around what "pad" leaves free.
 */
class PictureInput internal constructor(
    val height: Int,
    val width: Int,
    val channels: Int,
    val fit: String,
    val mean: List<Double>,
    val std: List<Double>,
    val normalizedBy: String,
    val background: List<Int>,
) {
    /** Bytes of a prepared picture. */
    val bytes: Int get() = height * width * channels
}

/**
 * How the model's output becomes probabilities: "graph" where they are the output; "softmax" where they are
 * softmax(output / temperature); "none" where the output is shown as it is, whatever it means.
 */
class Probabilities internal constructor(val source: String, val temperature: Double)

/** What manifest.json says whatever the task. Its definition is `manifest.schema.json`. */
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

/** Of a recommender. [users] is null where the model knows none: it takes the user's own history. */
class RecommenderManifest internal constructor(
    common: CommonFields,
    override val trainingData: TrainingData,
    val users: IdTable?,
    val items: IdTable,
) : Manifest(common) {
    /** What the model is asked with: "user", an id it was trained on, or "history", anybody's own. */
    val takes: String get() = if (users == null) "history" else "user"
}

/** Of a classifier. */
class ClassifierManifest internal constructor(
    common: CommonFields,
    override val trainingData: TrainingData,
    val labels: LabelTable,
    val picture: PictureInput,
    val probabilities: Probabilities,
) : Manifest(common)
