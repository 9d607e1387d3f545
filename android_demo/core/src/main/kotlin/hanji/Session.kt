package hanji

/**
 * What Recommender and Classifier have in common: an open bundle with an engine that threads share.
 *
 * What it knows never changes after opening, each call has its own arrays, and the engine lets one call in
 * at a time. A call that is under way when another thread closes the session is answered; later ones throw
 * RequestException.
 */
abstract class Session internal constructor(
    private val bundle: Bundle,
    /** The artifact that answers. */
    val artifact: Artifact,
    private val engine: Engine,
) : AutoCloseable {
    @Volatile
    private var isClosed = false

    /** Who computes the model as things are now, and what did not run where it was asked to. */
    val placement: Placement get() = openEngine().placement

    /** Replays golden.json and compares; it fails, too, if this artifact was not run at export. */
    abstract fun selfTest(): SelfTest

    /** Lets go of the engine and the model; once more does nothing. */
    override fun close() {
        if (isClosed) return
        isClosed = true
        engine.close()
    }

    internal fun run(signature: String, inputs: Map<String, Tensor>): Tensor =
        openEngine().run(artifact.signature(signature), inputs)

    internal fun readFile(path: String): ByteArray = bundle.read(bundle.file(path))

    /** [values] as they are; EngineException if an engine gave something that is no finite number. */
    internal fun finite(values: FloatArray, signature: String): FloatArray {
        if (values.any { it.isNaN() || it.isInfinite() }) {
            throw EngineException(
                "$engineName: an output of signature '$signature' is not a finite number; run the " +
                    "self-test, then export the bundle again"
            )
        }
        return values
    }

    /** EngineException unless an output has the shape that the manifest promised. */
    internal fun checkShape(output: Tensor, vararg expected: Int) {
        if (output.shape.contentEquals(expected)) return
        throw EngineException(
            "$engineName: expected an output of shape ${expected.toList()}, found ${output.shape.toList()}"
        )
    }

    private val engineName: String get() = engine.placement.let { "${it.engine} ${it.version}" }

    private fun openEngine(): Engine {
        if (isClosed) throw RequestException("this session is closed; open the bundle again")
        return engine
    }
}
