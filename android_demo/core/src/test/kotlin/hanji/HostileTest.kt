package hanji

import hanji.engines.MalformedFileException
import hanji.engines.TfliteEngineFactory
import hanji.engines.checkOnnx
import hanji.engines.checkTflite
import java.io.File
import java.util.Random
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.tensorflow.lite.Interpreter

/** Model files with right hashes that no bundle may have are refused before an engine reads them. */
class HostileTest {
    @Test
    fun onnxFilesAreRefused() {
        val files = files(".onnx")
        assertTrue(files.isNotEmpty())
        for ((path, content, message) in files) {
            expect<EngineException>(path, message) {
                Recommender.open(MemorySource(TestData.recommender()).file(path, content), TestData.onnx)
            }
        }
    }

    @Test
    fun tfliteFilesAreRefused() {
        val files = files(".tflite")
        assertTrue(files.isNotEmpty())
        Interpreter.opened = 0
        for ((path, content, message) in files) {
            val original = Regex("\"name\": *\"litert\",\\s*\"oldest_version\": *\"[^\"]*\"")
            val replacement = "\"name\": \"tflite-runtime\", \"oldest_version\": \"2.14.0\""
            val source = MemorySource(TestData.recommender()).file(path, content)
            source.manifest { it.replace(original, replacement) }
            for (engines in listOf(listOf(TfliteEngineFactory()), TestData.tflite)) {
                expect<EngineException>(path, message) { Recommender.open(source, engines) }
            }
        }
        assertEquals(0, Interpreter.opened)
    }

    @Test
    fun filesOfBundlesAreAccepted() {
        for (bundle in TestData.bundles().values) {
            for (file in bundle.listFiles()!!) {
                if (file.name.endsWith(".onnx")) checkOnnx(file.readBytes(), file.name)
                if (file.name.endsWith(".tflite")) checkTflite(file.readBytes(), file.name)
            }
        }
    }

    @Test
    fun randomDamageIsRefusedOrHarmless() {
        val random = Random(3)
        for ((name, check) in mapOf("model.onnx" to ::checkOnnx, "model.tflite" to ::checkedTflite)) {
            val content = File(TestData.recommender(), name).readBytes()
            repeat(500) {
                val damaged = content.copyOf(if (random.nextInt(3) == 0) 400 else content.size)
                repeat(1 + random.nextInt(4)) {
                    damaged[random.nextInt(damaged.size)] = random.nextInt().toByte()
                }
                try {
                    check(damaged, name)
                } catch (_: EngineException) {
                } catch (_: MalformedFileException) {
                }
            }
        }
    }

    @Test
    fun theOperatorOfTheEdgeTpuIsAllowedWhereTheManifestSaysSo() {
        val (path, content, _) = files(".tflite").single { "edgetpu" in it.third }
        checkTflite(content, path, edgeTpu = true)
    }

    private fun checkedTflite(content: ByteArray, path: String) = checkTflite(content, path)

    /** Path, content, and what the message of the refusal contains. */
    private fun files(suffix: String): List<Triple<String, ByteArray, String>> =
        (TestData.pythonResults("hostile") as List<*>).map { it as Map<*, *> }
            .filter { (it["path"] as String).endsWith(suffix) }
            .map { Triple(it.text("path"), fromBase64(it.text("content"))!!, it.text("message")) }

    private fun Map<*, *>.text(key: String) = get(key) as String
}
