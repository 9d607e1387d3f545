package hanji.engines

import hanji.Artifact
import hanji.Engine
import hanji.EngineException
import hanji.EngineOptions
import hanji.Fallbacks
import hanji.Placement
import hanji.Policy
import hanji.Signature
import hanji.Tensor
import hanji.closedSession
import hanji.loaded

/** The precision of a network for the Edge TPU, whose compiler may have replaced its operators. */
private const val INTEGERS_ONLY = "int8-only"

/**
 * A package with TensorFlow Lite: its [name] in manifests, its [version], and the [dependency] of an app that
 * uses it. [load] loads the content of a file, on the requested delegate or on the CPU.
 */
internal class TfliteLibrary(
    val name: String,
    val version: String,
    val dependency: String,
    val load: (content: ByteArray, isDelegated: Boolean) -> TfliteModel,
)

/** A loaded model file; its methods throw RuntimeException if TensorFlow Lite fails. */
internal interface TfliteModel : AutoCloseable {
    val isDelegated: Boolean

    /** EngineException unless the file has the tensors that the manifest states, as far as it tells them. */
    fun expectTensors(signature: Signature)

    /** Returns the signature's first output. */
    fun run(signature: Signature, inputs: Map<String, Tensor>): Tensor

    override fun close()
}

/** An engine with the file of the main signature loaded; EngineException if that fails. */
internal fun openTflite(
    library: TfliteLibrary,
    artifact: Artifact,
    files: Map<String, ByteArray>,
    options: EngineOptions,
): Engine = loaded(TfliteEngine(library, artifact, files, options)) {
    it.load(artifact.signature(artifact.mainSignature))
}

/** Runs one interpreter per model file, created on first use. */
private class TfliteEngine(
    private val library: TfliteLibrary,
    private val artifact: Artifact,
    private val files: Map<String, ByteArray>,
    private val options: EngineOptions,
) : Engine {
    private val title = "${library.name} ${library.version}"
    private val models = HashMap<String, TfliteModel>()
    private var isClosed = false
    private val fallbacks = Fallbacks(options)

    /** [Placement.operators] is null, because the engine does not report which operators a delegate runs. */
    override val placement: Placement
        @Synchronized get() {
            val got = listOfNotNull(options.delegate.takeIf { models.values.any { it.isDelegated } })
            val asked = listOfNotNull(options.delegate)
            val lines = ArrayList(fallbacks.lines)
            return Placement(library.name, library.version, options.threads, asked, got, null, lines)
        }

    @Synchronized
    fun load(signature: Signature) {
        model(signature).expectTensors(signature)
    }

    @Synchronized
    override fun run(signature: Signature, inputs: Map<String, Tensor>): Tensor {
        val model = model(signature)
        return try {
            model.run(signature, inputs)
        } catch (error: RuntimeException) { // TFLite has no exception of its own
            runOnCpu(signature, inputs, model, error)
        }
    }

    @Synchronized
    override fun close() {
        isClosed = true
        for (model in models.values) model.close()
        models.clear()
    }

    private fun model(signature: Signature): TfliteModel {
        if (isClosed) throw closedSession()
        return models.getOrPut(signature.path) {
            check(signature.path)
            placedModel(signature.path)
        }
    }

    private fun check(path: String) {
        try {
            checkTflite(files.getValue(path), path, artifact.precision == INTEGERS_ONLY)
        } catch (error: MalformedFileException) {
            throw EngineException("$title rejected $path: ${error.message}", error)
        }
    }

    /** An interpreter with the requested delegate, or, if the policy allows it, on the CPU. */
    private fun placedModel(path: String): TfliteModel {
        val name = options.delegate ?: return cpuModel(path)
        val model = try {
            library.load(files.getValue(path), true)
        } catch (error: RuntimeException) {
            fallbacks.add("$name failed to prepare $path: ${oneLine(error)}; it runs on the CPU")
            return cpuModel(path)
        } catch (error: LinkageError) {
            fallbacks.add("$name cannot be loaded: ${oneLine(error)}; $path runs on the CPU")
            return cpuModel(path)
        }
        try {
            fallbacks.add("$title does not report which operators of $path run on $name")
        } catch (error: EngineException) {
            model.close()
            throw error
        }
        return model
    }

    private fun cpuModel(path: String): TfliteModel = try {
        library.load(files.getValue(path), false)
    } catch (error: RuntimeException) {
        throw EngineException("$title rejected $path: ${oneLine(error)}", error)
    } catch (error: LinkageError) {
        throw missingTflite(title, library.dependency, error)
    }

    /**
     * Repeats a failed call on the CPU, like [OnnxEngine]; if it succeeds, the file runs on the CPU from then
     * on.
     */
    private fun runOnCpu(
        signature: Signature,
        inputs: Map<String, Tensor>,
        failing: TfliteModel,
        error: RuntimeException,
    ): Tensor {
        val failed = "signature '${signature.name}' failed: ${oneLine(error)}"
        val failure = EngineException("$title: $failed", error)
        if (!failing.isDelegated || options.policy == Policy.FAIL) throw failure
        val model = cpuModel(signature.path)
        val result = try {
            model.run(signature, inputs)
        } catch (_: RuntimeException) {
            model.close()
            throw failure
        }
        failing.close()
        models[signature.path] = model
        fallbacks.add("${options.delegate}: $failed; ${signature.path} now runs on the CPU")
        return result
    }
}

/** The error for a [title] whose classes or native library are missing. */
internal fun missingTflite(title: String, dependency: String, error: LinkageError) = EngineException(
    "$title is missing in this app or cannot be loaded: ${oneLine(error)}; try: add $dependency with the " +
        "native library for this device",
    error,
)
