package hanji

/**
 * What becomes of what does not run where it was asked to: an error, a warning, or only a line in the
 * report.
 */
enum class Policy { FAIL, WARN, ALLOW }

/**
 * What the caller of `open` asks for.
 *
 * [engine] is the name of one of the factories that `open` was given, or "auto": the first of them that can
 * run the bundle. More [threads] than free cores make small models slower. [delegate] is where to run, by a
 * name that the engine's factory knows, such as "nnapi" or "xnnpack"; null for the CPU. What does not run
 * there runs on the CPU, and [Placement] says so; [policy] WARN calls [onWarning] with the line besides,
 * ALLOW does not, FAIL makes it an EngineException, at opening or, if it fails only then, at the call.
 */
data class EngineOptions(
    val engine: String = "auto",
    val threads: Int = 1,
    val delegate: String? = null,
    val policy: Policy = Policy.WARN,
    val onWarning: (String) -> Unit = {},
)

/**
 * Who computes an open model, and what is not as it was asked for.
 *
 * [asked] is the delegate that was asked for, [got] those of them that compute at least one operator.
 * [operators] counts the operators of the signature that answers by who computes them, "cpu" being the
 * engine's own kernels; null where the engine does not tell. [fallbacks] has a line each for what did not run
 * where it was asked to, and why.
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

/** An inference engine that this app has. */
interface EngineFactory {
    /** As manifests call it: "onnxruntime", "litert", "tflite-runtime". */
    val name: String

    /** The version that is here, such as "1.28.0"; EngineException if the engine cannot be loaded. */
    val version: String

    /**
     * The engine with the [artifact], whose verified [files] are here by path, loaded and ready to answer.
     *
     * EngineException if the engine refuses the model, or, under Policy.FAIL, what was asked for.
     */
    fun create(artifact: Artifact, files: Map<String, ByteArray>, options: EngineOptions): Engine
}

/**
 * One artifact, loaded. `run` may be called from any thread; calls take turns, and `close` waits for its
 * own.
 */
interface Engine : AutoCloseable {
    /** Who computes the model as it is now: a fallback may come with any call. */
    val placement: Placement

    /** The signature's first output; EngineException if the engine refuses the model or the inputs. */
    fun run(signature: Signature, inputs: Map<String, Tensor>): Tensor

    override fun close()
}

/** What did not run where it was asked to, a line each, and what the policy makes of such a line. */
internal class Fallbacks(private val options: EngineOptions) {
    val lines = ArrayList<String>()

    /** Under FAIL throws EngineException; else keeps the line for the report and, under WARN, says it. */
    fun add(line: String) {
        if (options.policy == Policy.FAIL) {
            throw EngineException(
                "$line; the policy FAIL refuses that; try: WARN or ALLOW, and the CPU computes it"
            )
        }
        lines.add(line)
        if (options.policy == Policy.WARN) options.onWarning(line)
    }
}

internal const val CPU = "cpu"
