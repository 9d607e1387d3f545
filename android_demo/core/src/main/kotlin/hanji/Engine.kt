package hanji

/**
 * What to do if something does not run on the requested delegate: throw, warn, or only report it in
 * [Placement].
 */
enum class Policy { FAIL, WARN, ALLOW }

/**
 * The engine options of `open`.
 *
 * [engine] is the name of one of the factories passed to `open`, or "auto" for the first one that can run the
 * bundle. More [threads] than free cores slow small models down. [delegate] is the name of a delegate that
 * the factory supports, such as "nnapi" or "xnnpack"; null for the CPU. Operators that do not run there run
 * on the CPU, which [Placement] reports. In addition, the [policy] WARN calls [onWarning] with the message,
 * and FAIL throws an EngineException, at opening or, if it fails only then, at the call.
 */
data class EngineOptions(
    val engine: String = "auto",
    val threads: Int = 1,
    val delegate: String? = null,
    val policy: Policy = Policy.WARN,
    val onWarning: (String) -> Unit = {},
)

/**
 * Where the operators of an open model run, and deviations from the request.
 *
 * [asked] is the requested delegate, [got] the requested delegates that run at least one operator.
 * [operators] counts the operators of the main signature by executor, where "cpu" stands for the engine's own
 * kernels; null if the engine does not report it. [fallbacks] has one line, with the reason, for each thing
 * that did not run as requested.
 */
class Placement(
    val engine: String,
    val version: String,
    val threads: Int,
    val asked: List<String>,
    val got: List<String>,
    val operators: Map<String, Int>?,
    val fallbacks: List<String>,
)

/** An inference engine that is available in the app. */
interface EngineFactory {
    /** The name used in manifests: "onnxruntime", "litert", "tflite-runtime", "tensorflow-lite". */
    val name: String

    /** The available version, such as "1.28.0"; EngineException if the engine cannot be loaded. */
    val version: String

    /**
     * Loads the [artifact] from its verified [files], by path.
     *
     * EngineException if the engine rejects the model, or, with Policy.FAIL, if the delegate does not run it.
     */
    fun create(artifact: Artifact, files: Map<String, ByteArray>, options: EngineOptions): Engine
}

/**
 * A loaded artifact. Thread-safe: calls of `run` are serialized, and `close` waits for the running call.
 */
interface Engine : AutoCloseable {
    /** The current placement, which a fallback may change with any call. */
    val placement: Placement

    /**
     * Returns the signature's first output; EngineException if the engine rejects the model or the inputs.
     */
    fun run(signature: Signature, inputs: Map<String, Tensor>): Tensor

    override fun close()
}

/** [engine] after [load], closed if that fails. */
internal fun <T : Engine> loaded(engine: T, load: (T) -> Unit): T {
    try {
        load(engine)
    } catch (error: EngineException) {
        engine.close()
        throw error
    }
    return engine
}

/** Records fallbacks, one line each, and handles them according to the policy. */
internal class Fallbacks(private val options: EngineOptions) {
    val lines = ArrayList<String>()

    /** Throws EngineException with the policy FAIL; otherwise records the line and, with WARN, reports it. */
    fun add(line: String) {
        if (options.policy == Policy.FAIL) {
            throw EngineException(
                "$line; not allowed by the policy FAIL; try: WARN or ALLOW, to use the CPU instead"
            )
        }
        lines.add(line)
        if (options.policy == Policy.WARN) options.onWarning(line)
    }
}

/** The error for a call of a closed session or engine. */
internal fun closedSession() = RequestException("this session is closed; open the bundle again")

internal const val CPU = "cpu"
