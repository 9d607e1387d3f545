package hanji

/**
 * The base class of Recommender and Classifier: an open bundle and its engine.
 *
 * Thread-safe: the state is immutable after opening, each call has its own arrays, and the engine serializes
 * its calls. A call that is running when another thread closes the session completes; later calls throw
 * RequestException.
 */
abstract class Session internal constructor(
    private val bundle: Bundle,
    /** The artifact in use. */
    val artifact: Artifact,
    private val engine: Engine,
) : AutoCloseable {
    @Volatile
    private var isClosed = false

    /** The current placement of the model, including what did not run as requested. */
    val placement: Placement get() = openEngine().placement

    /** Replays golden.json and compares the outputs; also fails if this artifact did not run at export. */
    abstract fun selfTest(): SelfTest

    /** Releases the engine and the model; further calls have no effect. */
    override fun close() {
        if (isClosed) return
        isClosed = true
        engine.close()
    }

    internal fun run(signature: String, inputs: Map<String, Tensor>): Tensor =
        openEngine().run(artifact.signature(signature), inputs)

    internal fun readFile(path: String): ByteArray = bundle.read(bundle.file(path))

    /** Returns [values] unchanged; EngineException if any of them is NaN or infinite. */
    internal fun finite(values: FloatArray, signature: String): FloatArray {
        if (values.any { it.isNaN() || it.isInfinite() }) {
            throw EngineException(
                "$engineName: an output of signature '$signature' is not a finite number; run the " +
                    "self-test, then export the bundle again"
            )
        }
        return values
    }

    /** EngineException if the output does not have the [expected] shape. */
    internal fun checkShape(output: Tensor, vararg expected: Int) {
        if (output.shape.contentEquals(expected)) return
        throw EngineException(
            "$engineName: expected an output of shape ${expected.toList()}, found ${output.shape.toList()}"
        )
    }

    private val engineName: String get() = engine.placement.let { "${it.engine} ${it.version}" }

    private fun openEngine(): Engine {
        if (isClosed) throw closedSession()
        return engine
    }
}
