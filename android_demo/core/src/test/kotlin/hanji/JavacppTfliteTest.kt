package hanji

import hanji.engines.JavacppTfliteFactory
import hanji.engines.JavacppTfliteModel
import hanji.engines.TfliteException
import hanji.engines.withoutValues
import java.io.File
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** TensorFlow Lite's C interface on this JVM; GoldenTest, ResultsTest and HostileTest use it as well. */
class JavacppTfliteTest {
    private val history get() = DirectorySource(TestData.recommender())

    @Test
    fun thePlacementReportsTheEngine() {
        Recommender.open(history, TestData.tflite, EngineOptions(threads = 2)).use {
            val placement = it.placement
            val found = listOf(placement.engine, placement.version, placement.threads)
            assertEquals(listOf("tensorflow-lite", "2.20.0", 2), found)
            assertTrue(placement.asked.isEmpty() && placement.got.isEmpty() && placement.fallbacks.isEmpty())
            assertTrue(it.selfTest().passed)
        }
        expect<EngineException>("delegate: expected none for tensorflow-lite, found 'nnapi'") {
            Recommender.open(history, TestData.tflite, EngineOptions(delegate = "nnapi"))
        }
    }

    @Test
    fun aMissingLibraryIsReported() {
        val missing = JavacppTfliteFactory { throw UnsatisfiedLinkError("no jnitensorflowlite") }
        expect<EngineException>("is missing in this app", "no jnitensorflowlite", "org.bytedeco") {
            Recommender.open(history, listOf(missing))
        }
    }

    @Test
    fun messagesOfTheEngineAreInTheError() {
        open().use { engine ->
            val signature = artifact().signature("history")
            val expected = engine.run(signature, mapOf("history" to Tensor.of(1, 2, 3)))
            val expectedStart = "tensorflow-lite 2.20.0: signature 'history' failed: running failed: "
            expect<EngineException>(expectedStart, "index out of bounds. Got …, and bounds are [0, …]") {
                engine.run(signature, mapOf("history" to Tensor.of(1, 99_999)))
            }
            expect<EngineException>("expected a tensor 'other', found none") {
                engine.run(signature, mapOf("other" to Tensor.of(1)))
            }
            expect<EngineException>("'history': expected 2 bytes, found 8") {
                engine.run(signature, mapOf("history" to Tensor("int8", intArrayOf(2), ByteArray(2))))
            }
            val found = engine.run(signature, mapOf("history" to Tensor.of(1, 2, 3)))
            assertArrayEquals(expected.floats("scores"), found.floats("scores"), 0f)
        }
        assertEquals("a … and … of 100%: …", withoutValues("a %d and %-5.2lf of 100%%: %"))
    }

    @Test
    fun inputsOfAnySizeGiveOutputsOfThatSize() {
        open().use { engine ->
            val signature = artifact().signature("why")
            for (size in listOf(1, 50, 3, 0, 2)) {
                val inputs = mapOf("history" to Tensor.of(*IntArray(size) { it }), "item" to Tensor.of(7))
                assertArrayEquals(intArrayOf(size), engine.run(signature, inputs).shape)
            }
        }
    }

    @Test
    fun truncatedFilesAreRejected() {
        val content = File(TestData.recommender(), "model.tflite").readBytes()
        for (size in listOf(3, 8, 100, content.size / 2, content.size - 1)) {
            val source = MemorySource(TestData.recommender()).file("model.tflite", content.copyOf(size))
            expect<EngineException>("tensorflow-lite 2.20.0 rejected model.tflite") {
                Recommender.open(source, TestData.tflite)
            }
            try {
                JavacppTfliteModel(content.copyOf(size), 1).close()
                throw AssertionError("$size bytes were accepted")
            } catch (error: TfliteException) {
                assertTrue(error.message, "reading failed" in error.message!!)
            }
        }
    }

    @Test
    fun otherTensorsThanInTheManifestAreRejected() {
        val source = MemorySource(TestData.recommender())
        source.manifest { it.replace("\"scores\"", "\"points\"") }
        expect<EngineException>("('history'): expected output 'points': float32 [200]", "found none") {
            Recommender.open(source, TestData.tflite)
        }
    }

    @Test
    fun aFileWithoutSignaturesRunsByTheNamesOfItsTensors() {
        val file = Table(TestData.pythonResults("unsigned"), "unsigned")
        val pixels = Tensor("uint8", intArrayOf(1, 8, 8, 1), ByteArray(64) { (3 * it).toByte() })
        val signed = Artifacts.of(TestData.classifier()).signature("classify")
        val expected = open(TestData.classifier()).use { it.run(signed, mapOf("image" to pixels)) }
        val signature = Signature(
            "classify",
            "model.tflite",
            listOf(TensorInfo(file.text("input"), "uint8", listOf(1, 8, 8, 1), null, null)),
            listOf(TensorInfo(file.text("output"), "float32", listOf(1, 10), null, null)),
        )
        JavacppTfliteModel(fromBase64(file.longText("content"))!!, 1).use { model ->
            model.expectTensors(signature)
            val found = model.run(signature, mapOf(file.text("input") to pixels))
            assertArrayEquals(expected.floats("a"), found.floats("b"), 0f)
        }
    }

    /** The export's list is that of this engine: the newest version of each operator, and not the next. */
    @Test
    fun operatorsOfTheExportsListAreSupported() {
        val files = (TestData.pythonResults("operators") as List<*>).map { Table(it, "operators") }
        assertTrue(files.size > 300)
        for (file in files) {
            val message = try {
                JavacppTfliteModel(fromBase64(file.longText("content"))!!, 1).close()
                ""
            } catch (error: TfliteException) {
                error.message!!
            }
            assertEquals(file.text("name"), file.boolean("supported"), "Didn't find op" !in message)
        }
    }

    @Test
    fun closingReleasesAllMemory() {
        val damaged = MemorySource(TestData.recommender()).manifest { it.replace("\"scores\"", "\"points\"") }
        fun openAndClose() {
            Recommender.open(history, TestData.tflite).use {
                it.recommend(history = listOf(it.items.ids.values[3]))
            }
            expect<EngineException> { Recommender.open(damaged, TestData.tflite) }
        }
        repeat(200) { openAndClose() } // until Java's heap has grown
        val before = nativeBytes()
        repeat(200) { openAndClose() }
        val growth = nativeBytes() - before
        println("200 opens and closes: ${growth / 1024} KiB more native memory")
        assertTrue("$growth", growth < 32 shl 20)
    }

    /** About the memory of this process outside of Java's heap. */
    private fun nativeBytes(): Long {
        System.gc()
        val resident = File("/proc/self/statm").readText().split(" ")[1].toLong() * 4096
        return resident - Runtime.getRuntime().totalMemory()
    }

    private fun artifact() = Artifacts.of(TestData.recommender())

    private fun open(bundle: File = TestData.recommender()): Engine {
        val content = mapOf("model.tflite" to File(bundle, "model.tflite").readBytes())
        return JavacppTfliteFactory().create(Artifacts.of(bundle), content, EngineOptions())
    }
}

/** The .tflite artifact of a bundle. */
private object Artifacts {
    fun of(bundle: File): Artifact =
        parseManifest(File(bundle, "manifest.json").readBytes(), "manifest.json")
            .artifacts.first { it.format == "tflite" }
}
