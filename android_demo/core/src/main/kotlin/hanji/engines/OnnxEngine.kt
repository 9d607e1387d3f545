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
import hanji.parts
import java.nio.ByteBuffer
import java.nio.FloatBuffer
import java.nio.IntBuffer

/**
 * ONNX Runtime: runs the bundle's .onnx files, on the CPU if nothing else is asked for.
 *
 * Delegates are "xnnpack" and "nnapi", where the ONNX Runtime of the app was built with them. It is told to
 * send no telemetry; versions before 1.29 have none on Android.
 */
class OnnxEngineFactory : EngineFactory {
    override val name: String get() = "onnxruntime"

    override val version: String get() = environment().version

    override fun create(artifact: Artifact, files: Map<String, ByteArray>, options: EngineOptions): Engine {
        val engine = OnnxEngine(environment(), artifact, files, options)
        try {
            engine.load(artifact.signature(artifact.mainSignature))
        } catch (error: EngineException) {
            engine.close()
            throw error
        }
        return engine
    }
}

/** One session per signature, made when first needed. */
internal class OnnxEngine(
    private val environment: OrtEnvironment,
    private val artifact: Artifact,
    private val files: Map<String, ByteArray>,
    private val options: EngineOptions,
) : Engine {
    private val sessions = HashMap<String, OrtSession>()
    private val fallbacks = Fallbacks(options)
    private var operators: Map<String, Int>? = null

    /** Where to run as long as nothing failed there; null for the CPU. */
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
        for (session in sessions.values) closeQuietly(session)
        sessions.clear()
    }

    private fun session(signature: Signature): OrtSession =
        sessions.getOrPut(signature.name) { placedSession(signature) }

    /** A session where it was asked for, or, as far as the policy allows, on the CPU. */
    private fun placedSession(signature: Signature): OrtSession {
        val provider = provider ?: return cpuSession(signature)
        val session = try {
            newSession(signature) { provider.addTo(it, options.threads) }
        } catch (error: OrtException) {
            fallbacks.add(
                "${provider.name} failed to prepare ${signature.path}: ${oneLine(error)}; the CPU computes it"
            )
            return cpuSession(signature)
        }
        try {
            noteOperators(signature, provider)
        } catch (error: EngineException) {
            closeQuietly(session)
            throw error
        }
        return session
    }

    private fun cpuSession(signature: Signature): OrtSession = try {
        newSession(signature) {}
    } catch (error: OrtException) {
        val refused = "refused ${signature.path} ('${signature.name}'): ${oneLine(error)}"
        throw EngineException("onnxruntime ${environment.version} $refused", error)
    }

    private fun newSession(signature: Signature, prepare: (OrtSession.SessionOptions) -> Unit): OrtSession =
        OrtSession.SessionOptions().use { settings ->
            settings.setIntraOpNumThreads(options.threads)
            settings.setInterOpNumThreads(1)
            prepare(settings)
            environment.createSession(files.getValue(signature.path), settings)
        }

    /** Keeps who computes the signature that answers, and says what is not as it was asked for. */
    private fun noteOperators(signature: Signature, provider: OnnxProvider) {
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
                "onnxruntime did not tell which operators of ${signature.path} ${provider.name} computes"
            )
            return
        }
        val counts = found.mapKeys { if (it.key == CPU) CPU else provider.name }
        if (signature.name == artifact.mainSignature) operators = counts
        val left = counts[CPU] ?: 0
        val total = counts.values.sum()
        if (provider.name !in counts) {
            fallbacks.add("${provider.name} computes none of the $total operators of ${signature.path}")
        } else if (left > 0) {
            fallbacks.add("the CPU computes $left of the $total operators of ${signature.path}")
        }
    }

    /**
     * The CPU's answer after a provider failed; from then on the CPU computes everything.
     *
     * EngineException where only the CPU was at work, where the policy is FAIL, and where the CPU fails as
     * well: then the provider is not to blame and stays.
     */
    private fun runOnCpu(signature: Signature, inputs: Map<String, Tensor>, error: OrtException): Tensor {
        val failed = "signature '${signature.name}' failed: ${oneLine(error)}"
        val failure = EngineException("onnxruntime ${environment.version}: $failed", error)
        val tried = provider
        if (tried == null || options.policy == Policy.FAIL) throw failure
        val session = cpuSession(signature)
        val answer = try {
            output(session, signature, inputs)
        } catch (tooOnTheCpu: OrtException) {
            closeQuietly(session)
            throw failure
        }
        close()
        provider = null
        operators = null
        sessions[signature.name] = session
        fallbacks.add("${tried.name}: $failed; the CPU computes everything since then")
        return answer
    }

    /** OrtException if the model cannot be run with these inputs. */
    private fun output(session: OrtSession, signature: Signature, inputs: Map<String, Tensor>): Tensor {
        val given = HashMap<String, OnnxTensorLike>()
        try {
            for ((name, tensor) in inputs) given[name] = onnxTensor(tensor)
            val wanted = signature.outputs[0]
            return session.run(given, setOf(wanted.name)).use { result ->
                val value = result.get(0) as? OnnxTensor
                    ?: throw EngineException("onnxruntime: expected a tensor '${wanted.name}', found none")
                tensor(value, wanted.dtype)
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
            else -> throw EngineException("onnxruntime: expected numbers of float32, int32, uint8 or int8")
        }
    }

    /** A tensor of our own; EngineException if it holds anything but [dtype]. */
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

/** ONNX Runtime itself; EngineException if the app does not have it for this kind of device. */
private fun environment(): OrtEnvironment = try {
    OrtEnvironment.getEnvironment().also { it.setTelemetry(false) }
} catch (error: LinkageError) { // its classes or its native library are not there
    throw notThere(error)
} catch (error: IllegalStateException) {
    throw notThere(error)
} catch (error: OrtException) {
    throw notThere(error)
}

private fun notThere(error: Throwable) = EngineException(
    "onnxruntime is missing in this app or cannot be loaded: ${oneLine(error)}; try: add " +
        "com.microsoft.onnxruntime:onnxruntime-android with the native library for this device",
    error,
)

private fun closeQuietly(session: OrtSession) {
    try {
        session.close()
    } catch (_: OrtException) {
        // Nothing can be done about a session that is thrown away.
    }
}

internal fun oneLine(error: Throwable): String =
    parts((error.message ?: error.javaClass.simpleName).replace('\n', ' '), ' ')
        .filter { it.isNotEmpty() }
        .joinToString(" ")
