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

/** An execution provider by the name that `EngineOptions.delegate` gives it. */
internal class OnnxProvider(val name: String, private val provider: OrtProvider) {

    fun addTo(settings: OrtSession.SessionOptions, threads: Int) {
        if (provider == OrtProvider.NNAPI) {
            settings.addNnapi()
        } else {
            settings.addXnnpack(mapOf("intra_op_num_threads" to threads.toString()))
        }
    }
}

/** The provider called [name], null if this ONNX Runtime lacks it and the policy lets the CPU compute. */
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
        "$name is not in this onnxruntime ${environment.version}, which has $names; the CPU computes"
    )
    return null
}

/**
 * How many operators each provider computed ("cpu" and the providers' own names) while [profile] ran a model
 * once; null if there is nowhere to write the profile.
 *
 * The Java API does not say who computes what, but a profile of one run does. [profile] is given the path
 * that its file begins with and returns the file's path, which is read and removed.
 */
internal fun operatorsByProvider(profile: (String) -> String): Map<String, Int>? {
    val place = try {
        File.createTempFile("hanji", ".profile")
    } catch (_: IOException) {
        return null
    }
    var written: File? = null
    try {
        val file = File(profile(place.path))
        written = file
        val content = ByteArray(file.length().toInt())
        DataInputStream(FileInputStream(file)).use { it.readFully(content) }
        return counts(content)
    } catch (_: IOException) {
        return null
    } catch (error: OrtException) {
        throw EngineException("onnxruntime failed where it was asked to run: ${oneLine(error)}", error)
    } finally {
        place.delete()
        written?.delete()
    }
}

/** From a profile, which is an array of events: those of kernels name their node and their provider. */
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
        val who = if (provider == "CPUExecutionProvider") CPU else provider
        counts[who] = (counts[who] ?: 0) + 1
    }
    return counts
}

private const val PROFILE = "ONNX Runtime's profile"
