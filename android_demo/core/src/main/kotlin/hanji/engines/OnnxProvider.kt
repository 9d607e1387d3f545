package hanji.engines

import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtProvider
import ai.onnxruntime.OrtSession
import hanji.CPU
import hanji.EngineException
import hanji.Fallbacks
import hanji.Table
import hanji.parseJson
import java.io.DataInputStream
import java.io.File
import java.io.FileInputStream
import java.io.IOException

/** An execution provider, with its name in `EngineOptions.delegate`. */
internal class OnnxProvider(val name: String, private val provider: OrtProvider) {

    fun addTo(settings: OrtSession.SessionOptions, threads: Int) {
        if (provider == OrtProvider.NNAPI) {
            settings.addNnapi()
        } else {
            settings.addXnnpack(mapOf("intra_op_num_threads" to threads.toString()))
        }
    }
}

/** The provider called [name], or null if it is not available and the policy allows the CPU. */
internal fun foundProvider(name: String, environment: OrtEnvironment, fallbacks: Fallbacks): OnnxProvider? {
    val provider = when (name) {
        "nnapi" -> OrtProvider.NNAPI
        "xnnpack" -> OrtProvider.XNNPACK
        else -> throw EngineException(
            "delegate: expected 'nnapi' or 'xnnpack' for onnxruntime, found '$name'"
        )
    }
    val known = OrtEnvironment.getAvailableProviders()
    if (provider in known) return OnnxProvider(name, provider)
    val names = known.joinToString { it.getName() }
    fallbacks.add(
        "$name is not available in onnxruntime ${environment.version}, which has $names; the CPU is used"
    )
    return null
}

/**
 * The number of operators per provider ("cpu" or the name of the provider) in one profiled run of a model;
 * null if the profile cannot be written.
 *
 * The Java API does not report the placement, but a profile contains it. [profile] receives a path prefix for
 * the profile and returns the path of the written file, which is deleted after reading.
 */
internal fun operatorsByProvider(profile: (String) -> String): Map<String, Int>? {
    val prefix = try {
        File.createTempFile("hanji", ".profile")
    } catch (_: IOException) {
        return null
    }
    var written: File? = null
    try {
        val file = File(profile(prefix.path))
        written = file
        val content = ByteArray(file.length().toInt())
        DataInputStream(FileInputStream(file)).use { it.readFully(content) }
        return counts(content)
    } catch (_: IOException) {
        return null
    } catch (error: OrtException) {
        throw EngineException("onnxruntime failed on the requested provider: ${oneLine(error)}", error)
    } finally {
        prefix.delete()
        written?.delete()
    }
}

/** Counts operators in a profile, an array of events in which kernel events have their node and provider. */
private fun counts(profile: ByteArray): Map<String, Int> {
    val events = Table(mapOf("events" to parseJson(profile, PROFILE)), PROFILE).tables("events")
    val providers = HashMap<String, String>()
    for (event in events) {
        if ("args" !in event || !event.text("name").endsWith("_kernel_time")) continue
        val details = event.table("args")
        if ("provider" in details) providers[event.text("name")] = details.text("provider")
    }
    val counts = HashMap<String, Int>()
    for (provider in providers.values) {
        val executor = if (provider == "CPUExecutionProvider") CPU else provider
        counts[executor] = (counts[executor] ?: 0) + 1
    }
    return counts
}

private const val PROFILE = "ONNX Runtime's profile"
