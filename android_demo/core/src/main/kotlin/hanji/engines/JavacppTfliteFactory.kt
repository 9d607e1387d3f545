package hanji.engines

import hanji.Artifact
import hanji.Engine
import hanji.EngineException
import hanji.EngineFactory
import hanji.EngineOptions
import org.bytedeco.tensorflowlite.global.tensorflowlite

/**
 * TensorFlow Lite 2.20 or newer, from Maven Central (`org.bytedeco:tensorflow-lite`): runs the .tflite file
 * of the bundle through TensorFlow Lite's C interface, with its own kernels for CPUs.
 *
 * In manifests, it is "tensorflow-lite". [loadLibrary] is called before its classes are used. JavaCPP then
 * loads the library by itself if nothing else has, which on a desktop extracts it to the user's cache
 * directory; an app that leaves JavaCPP's loader out passes `{ System.loadLibrary("jnitensorflowlite") }`.
 */
class JavacppTfliteFactory(private val loadLibrary: () -> Unit = {}) : EngineFactory {
    override val name: String get() = "tensorflow-lite"

    override val version: String
        get() = try {
            loadLibrary()
            tensorflowlite.TfLiteVersion().string
        } catch (error: LinkageError) {
            throw missingTflite(name, DEPENDENCY, error)
        }

    override fun create(artifact: Artifact, files: Map<String, ByteArray>, options: EngineOptions): Engine {
        if (options.delegate != null) {
            throw EngineException("delegate: expected none for $name, found '${options.delegate}'")
        }
        val library = TfliteLibrary(name, version, DEPENDENCY) { content, _ ->
            JavacppTfliteModel(content, options.threads)
        }
        return openTflite(library, artifact, files, options)
    }

    private companion object {
        const val DEPENDENCY = "org.bytedeco:tensorflow-lite and org.bytedeco:javacpp"
    }
}
