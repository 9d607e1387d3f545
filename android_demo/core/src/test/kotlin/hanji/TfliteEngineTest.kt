package hanji

import hanji.engines.TfliteEngineFactory
import java.io.File
import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.Interpreter

/** Calls of TensorFlow Lite, with a fake interpreter, because the real one only runs on Android. */
class TfliteEngineTest {
    private val warnings = ArrayList<String>()
    private var closedDelegates = 0
    private val delegated = TfliteEngineFactory(delegates = mapOf("npu" to { TestDelegate() }))

    @Before
    fun prepare() {
        Interpreter.opened = 0
        Interpreter.hasSignatures = true
        Interpreter.failure = ""
    }

    @After
    fun everythingWasClosed() = assertEquals(0, Interpreter.opened)

    @Test
    fun recommendationsEqualThoseOfOnnxRuntime() {
        val bundle = TestData.recommender()
        val expected = Recommender.open(DirectorySource(bundle), TestData.onnx).use(::results)
        val source = forTflite(bundle, "history", "why")
        Recommender.open(source, listOf(TfliteEngineFactory()), EngineOptions(threads = 2)).use {
            assertEquals(expected, results(it))
            assertEquals(
                listOf("tflite-runtime", "2.16.1", 2), it.placement.run { listOf(engine, version, threads) }
            )
        }
    }

    @Test
    fun classificationsEqualThoseOfOnnxRuntime() {
        val pixels = Pixels(ByteArray(300) { (it * 7).toByte() }, 10, 10, 3)
        val bundle = TestData.classifier()
        val source = DirectorySource(bundle)
        val expected = Classifier.open(source, TestData.onnx).use { it.probabilities(pixels) }
        for (hasSignatures in listOf(true, false)) {
            Interpreter.hasSignatures = hasSignatures
            Classifier.open(forTflite(bundle, "classify"), listOf(TfliteEngineFactory())).use {
                assertArrayEquals(expected, it.probabilities(pixels), 0f)
                assertArrayEquals(expected, it.probabilities(pixels), 0f)
            }
        }
    }

    @Test
    fun aFileWithNewerOperatorsIsNotLoaded() {
        for (engine in listOf(TfliteEngineFactory(), TfliteEngineFactory("litert", "0.9.9"))) {
            expect<EngineException>("engine '${engine.name}' cannot run this bundle") {
                Recommender.open(
                    DirectorySource(TestData.recommender()), listOf(engine), EngineOptions(engine.name)
                )
            }
        }
    }

    @Test
    fun aDelegateIsReportedAsUnverified() {
        open(Policy.WARN).use {
            it.recommend(history = history(it))
            assertEquals(listOf("npu"), it.placement.got)
            val line = "does not report which operators of model.tflite run on npu"
            assertEquals(listOf("tflite-runtime 2.16.1 $line"), warnings)
        }
        assertEquals(1, closedDelegates)
        expect<EngineException>("not allowed by the policy FAIL") { open(Policy.FAIL) }
        assertEquals(2, closedDelegates)
        expect<EngineException>(
            "delegate: expected one of this app's delegates for tflite-runtime (npu), found 'gpu'"
        ) {
            open(Policy.WARN, "gpu")
        }
    }

    @Test
    fun aDelegateThatFailsToPrepareFallsBackToTheCpu() {
        Interpreter.failure = "prepare"
        open(Policy.ALLOW).use {
            assertTrue(it.placement.got.isEmpty() && warnings.isEmpty())
            val line = "npu failed to prepare model.tflite: out of cores; it runs on the CPU"
            assertEquals(listOf(line), it.placement.fallbacks)
            it.recommend(history = history(it))
        }
        expect<EngineException>("out of cores", "not allowed by the policy FAIL") { open(Policy.FAIL) }
    }

    @Test
    fun aDelegateThatFailsToRunFallsBackToTheCpu() {
        open(Policy.WARN).use {
            val expected = it.recommend(history = history(it))
            Interpreter.failure = "run"
            assertEquals(expected, it.recommend(history = history(it)))
            assertTrue(it.placement.got.isEmpty())
            val line = "npu: signature 'history' failed: the core is gone; model.tflite now runs on the CPU"
            assertEquals(line, warnings.last())
        }
    }

    @Test
    fun theMissingNativeLibraryIsReported() {
        // The native library is for Android only, so creating the NnApiDelegate fails here.
        open(Policy.ALLOW, "nnapi", TfliteEngineFactory()).use {
            assertTrue(it.placement.fallbacks.single(), "nnapi" in it.placement.fallbacks.single())
            assertTrue(it.placement.got.isEmpty())
        }
    }

    private fun open(
        policy: Policy,
        delegate: String = "npu",
        factory: TfliteEngineFactory = delegated,
    ): Recommender {
        val options = EngineOptions(delegate = delegate, policy = policy, onWarning = { warnings.add(it) })
        return Recommender.open(forTflite(TestData.recommender(), "history", "why"), listOf(factory), options)
    }

    private fun results(recommender: Recommender): Any = listOf(1, 5, 2).map { length ->
        recommender.recommend(history = history(recommender, length), explain = 2)
    }

    private fun history(recommender: Recommender, length: Int = 3) = recommender.items.ids.values.take(length)

    /**
     * The bundle with a manifest whose .tflite file runs on TensorFlow Lite 2.14; the fake interpreter runs
     * the .onnx files instead.
     */
    private fun forTflite(bundle: File, vararg signatures: String): MemorySource {
        val source = MemorySource(bundle)
        val files = mapOf("history" to "model.onnx", "why" to "why.onnx", "classify" to "model.onnx")
        Interpreter.models = signatures.associateWith { source.files.getValue(files.getValue(it)) }
        val original = Regex("\"name\": *\"litert\",\\s*\"oldest_version\": *\"[^\"]*\"")
        val replacement = "\"name\": \"tflite-runtime\", \"oldest_version\": \"2.14.0\""
        return source.manifest { it.replace(original, replacement) }
    }

    private inner class TestDelegate : Delegate {
        override fun getNativeHandle() = 1L

        override fun close() {
            closedDelegates++
        }
    }
}
