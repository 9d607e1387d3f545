package hanji.engines

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OnnxTensorLike
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtSession
import hanji.Artifact
import hanji.CPU
import hanji.Engine
import hanji.EngineException
import hanji.EngineFactory
import hanji.EngineOptions
import hanji.Fallbacks
import hanji.Placement
import hanji.Policy
import hanji.Signature
import hanji.Tensor
import hanji.closedSession
import hanji.loaded
import hanji.parts
import java.nio.ByteBuffer
import java.nio.FloatBuffer
import java.nio.IntBuffer

/**
 * ONNX Runtime: runs the .onnx files of the bundle, on the CPU by default.
 *
 * Delegates are "xnnpack" and "nnapi", if the ONNX Runtime of the app was built with them. Telemetry is
 * disabled; versions before 1.29 have none on Android.
 */
class OnnxEngineFactory : EngineFactory {
    override val name: String get() = "onnxruntime"

    override val version: String get() = environment().version

    override fun create(artifact: Artifact, files: Map<String, ByteArray>, options: EngineOptions): Engine =
        loaded(OnnxEngine(environment(), artifact, files, options)) {
            it.load(artifact.signature(artifact.mainSignature))
        }
}

/** Runs one session per signature, created on first use. */
internal class OnnxEngine(
    private val environment: OrtEnvironment,
    private val artifact: Artifact,
    private val files: Map<String, ByteArray>,
    private val options: EngineOptions,
) : Engine {
    private val sessions = HashMap<String, OrtSession>()
    private val fallbacks = Fallbacks(options)
    private var isClosed = false
    private var operators: Map<String, Int>? = null

    /** The execution provider, until it fails; null for the CPU. */
    private var provider: OnnxProvider? = options.delegate?.let { foundProvider(it, environment, fallbacks) }

    override val placement: Placement
        @Synchronized get() {
            val asked = listOfNotNull(options.delegate)
            val got = asked.filter { (operators?.get(it) ?: 0) > 0 }
            val lines = ArrayList(fallbacks.lines)
            return Placement(
                "onnxruntime", environment.version, options.threads, asked, got, operators, lines
            )
        }

    @Synchronized
    fun load(signature: Signature) {
        session(signature)
    }

    @Synchronized
    override fun run(signature: Signature, inputs: Map<String, Tensor>): Tensor {
        val session = session(signature)
        return try {
            output(session, signature, inputs)
        } catch (error: OrtException) {
            runOnCpu(signature, inputs, error)
        }
    }

    @Synchronized
    override fun close() {
        isClosed = true
        closeSessions()
    }

    private fun closeSessions() {
        for (session in sessions.values) closeQuietly(session)
        sessions.clear()
    }

    private fun session(signature: Signature): OrtSession {
        if (isClosed) throw closedSession()
        return sessions.getOrPut(signature.name) {
            try {
                checkOnnx(files.getValue(signature.path), signature.path)
            } catch (error: MalformedFileException) {
                throw rejection(signature, error)
            }
            placedSession(signature)
        }
    }

    /** A session on the requested provider, or, if the policy allows it, on the CPU. */
    private fun placedSession(signature: Signature): OrtSession {
        val provider = provider ?: return cpuSession(signature)
        val session = try {
            newSession(signature) { provider.addTo(it, options.threads) }
        } catch (error: OrtException) {
            fallbacks.add(
                "${provider.name} failed to prepare ${signature.path}: ${oneLine(error)}; it runs on the CPU"
            )
            return cpuSession(signature)
        }
        try {
            recordOperators(signature, provider)
        } catch (error: EngineException) {
            closeQuietly(session)
            throw error
        }
        return session
    }

    private fun cpuSession(signature: Signature): OrtSession = try {
        newSession(signature) {}
    } catch (error: OrtException) {
        throw rejection(signature, error)
    }

    private fun rejection(signature: Signature, error: Exception): EngineException {
        val rejected = "rejected ${signature.path} ('${signature.name}'): ${oneLine(error)}"
        return EngineException("onnxruntime ${environment.version} $rejected", error)
    }

    private fun newSession(signature: Signature, prepare: (OrtSession.SessionOptions) -> Unit): OrtSession =
        OrtSession.SessionOptions().use { settings ->
            settings.setIntraOpNumThreads(options.threads)
            settings.setInterOpNumThreads(1)
            prepare(settings)
            val session = environment.createSession(files.getValue(signature.path), settings)
            try {
                session.also { expectTensors(signature, it) }
            } catch (error: EngineException) {
                closeQuietly(session)
                throw error
            }
        }

    /** Records the placement of the main signature, and reports operators that fall back to the CPU. */
    private fun recordOperators(signature: Signature, provider: OnnxProvider) {
        val found = operatorsByProvider {
            newSession(signature) { settings ->
                provider.addTo(settings, options.threads)
                settings.enableProfiling(it)
            }.use { session ->
                val zeros = signature.inputs.associate { info -> info.name to Tensor.zeros(info) }
                output(session, signature, zeros)
                session.endProfiling()
            }
        }
        if (found == null) {
            fallbacks.add(
                "onnxruntime did not report which operators of ${signature.path} run on ${provider.name}"
            )
            return
        }
        val counts = found.mapKeys { if (it.key == CPU) CPU else provider.name }
        if (signature.name == artifact.mainSignature) operators = counts
        val onCpu = counts[CPU] ?: 0
        val total = counts.values.sum()
        if (provider.name !in counts) {
            fallbacks.add("${provider.name} runs none of the $total operators of ${signature.path}")
        } else if (onCpu > 0) {
            fallbacks.add("the CPU runs $onCpu of the $total operators of ${signature.path}")
        }
    }

    /**
     * Repeats a failed call on the CPU; if it succeeds, everything runs on the CPU from then on.
     *
     * EngineException if the call already ran on the CPU, if the policy is FAIL, or if it fails on the CPU as
     * well; in the last case, the provider is not the cause and stays in use.
     */
    private fun runOnCpu(signature: Signature, inputs: Map<String, Tensor>, error: OrtException): Tensor {
        val failed = "signature '${signature.name}' failed: ${oneLine(error)}"
        val failure = EngineException("onnxruntime ${environment.version}: $failed", error)
        val failedProvider = provider
        if (failedProvider == null || options.policy == Policy.FAIL) throw failure
        val session = cpuSession(signature)
        val result = try {
            output(session, signature, inputs)
        } catch (_: OrtException) {
            closeQuietly(session)
            throw failure
        }
        closeSessions()
        provider = null
        operators = null
        sessions[signature.name] = session
        fallbacks.add("${failedProvider.name}: $failed; everything now runs on the CPU")
        return result
    }

    /** Runs the session and returns the first output; OrtException if that fails. */
    private fun output(session: OrtSession, signature: Signature, inputs: Map<String, Tensor>): Tensor {
        val given = HashMap<String, OnnxTensorLike>()
        try {
            for ((name, tensor) in inputs) given[name] = onnxTensor(tensor)
            val info = signature.outputs[0]
            return session.run(given, setOf(info.name)).use { result ->
                val value = result.get(0) as? OnnxTensor
                    ?: throw EngineException("onnxruntime: expected a tensor '${info.name}', found none")
                tensor(value, info.dtype)
            }
        } finally {
            for (tensor in given.values) tensor.close()
        }
    }

    private fun onnxTensor(tensor: Tensor): OnnxTensor {
        val shape = LongArray(tensor.shape.size) { tensor.shape[it].toLong() }
        return when (val data = tensor.data) {
            is FloatArray -> OnnxTensor.createTensor(environment, FloatBuffer.wrap(data), shape)
            is IntArray -> OnnxTensor.createTensor(environment, IntBuffer.wrap(data), shape)
            is ByteArray -> {
                val type = if (tensor.dtype == "uint8") OnnxJavaType.UINT8 else OnnxJavaType.INT8
                OnnxTensor.createTensor(environment, ByteBuffer.wrap(data), shape, type)
            }
            else -> throw EngineException("onnxruntime: expected a tensor of float32, int32, uint8 or int8")
        }
    }

    /** Converts an output to a [Tensor]; EngineException if its dtype is not [dtype]. */
    private fun tensor(value: OnnxTensor, dtype: String): Tensor {
        val shape = value.info.shape
        val sizes = IntArray(shape.size) { shape[it].toInt() }
        val data = Tensor.arrayOf(dtype, Tensor.countOf(sizes))
        val type = value.info.type
        when {
            data is FloatArray && type == OnnxJavaType.FLOAT -> value.floatBuffer.get(data)
            data is IntArray && type == OnnxJavaType.INT32 -> value.intBuffer.get(data)
            data is ByteArray && type == OnnxJavaType.UINT8 && dtype == "uint8" -> value.byteBuffer.get(data)
            data is ByteArray && type == OnnxJavaType.INT8 && dtype == "int8" -> value.byteBuffer.get(data)
            else -> throw EngineException("onnxruntime: expected an output of $dtype, found $type")
        }
        return Tensor(dtype, sizes, data)
    }
}

/** The ONNX Runtime environment; EngineException if its native library is missing for this device. */
private fun environment(): OrtEnvironment = try {
    OrtEnvironment.getEnvironment().also { it.setTelemetry(false) }
} catch (error: LinkageError) { // its classes or its native library are missing
    throw missing(error)
} catch (error: IllegalStateException) {
    throw missing(error)
} catch (error: OrtException) {
    throw missing(error)
}

private fun missing(error: Throwable) = EngineException(
    "onnxruntime is missing in this app or cannot be loaded: ${oneLine(error)}; try: add " +
        "com.microsoft.onnxruntime:onnxruntime-android with the native library for this device",
    error,
)

private fun closeQuietly(session: OrtSession) {
    try {
        session.close()
    } catch (_: OrtException) {
        // The session is discarded anyway.
    }
}

internal fun oneLine(error: Throwable): String =
    parts((error.message ?: error.javaClass.simpleName).replace('\n', ' '), ' ')
        .filter { it.isNotEmpty() }
        .joinToString(" ")
