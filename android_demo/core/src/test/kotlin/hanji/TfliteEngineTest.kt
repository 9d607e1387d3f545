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

/** How TensorFlow Lite is asked, on a stand-in for its interpreter: no device has run this engine here. */
class TfliteEngineTest {
    private val said = ArrayList<String>()
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
    fun aRecommenderAnswersAsWithOnnxRuntime() {
        val bundle = Given.recommender()
        val expected = Recommender.open(DirectorySource(bundle), Given.onnx).use(::ask)
        val source = forTflite(bundle, "history", "why")
        Recommender.open(source, listOf(TfliteEngineFactory()), EngineOptions(threads = 2)).use {
            assertEquals(expected, ask(it))
            assertEquals(
                listOf("tflite-runtime", "2.16.1", 2), it.placement.run { listOf(engine, version, threads) }
            )
        }
    }

    @Test
    fun aClassifierAnswersAsWithOnnxRuntime() {
        val pixels = Pixels(ByteArray(300) { (it * 7).toByte() }, 10, 10, 3)
        val bundle = Given.classifier()
        val expected = Classifier.open(DirectorySource(bundle), Given.onnx).use { it.probabilities(pixels) }
        for (hasSignatures in listOf(true, false)) {
            Interpreter.hasSignatures = hasSignatures
            Classifier.open(forTflite(bundle, "classify"), listOf(TfliteEngineFactory())).use {
                assertArrayEquals(expected, it.probabilities(pixels), 0f)
                assertArrayEquals(expected, it.probabilities(pixels), 0f)
            }
        }
    }

    @Test
    fun aFileOfNewerOperatorsIsNeverTouched() {
        for (engine in listOf(TfliteEngineFactory(), TfliteEngineFactory("litert", "0.9.9"))) {
            expect<EngineException>("engine '${engine.name}' cannot run this bundle") {
                Recommender.open(
                    DirectorySource(Given.recommender()), listOf(engine), EngineOptions(engine.name)
                )
            }
        }
    }

    @Test
    fun aDelegateIsNeverTakenAtItsWord() {
        open(Policy.WARN).use {
            it.recommend(history = history(it))
            assertEquals(listOf("npu"), it.placement.got)
            val line = "does not tell which operators of model.tflite are computed by npu"
            assertEquals(listOf("tflite-runtime 2.16.1 $line"), said)
        }
        assertEquals(1, closedDelegates)
        expect<EngineException>("the policy FAIL refuses that") { open(Policy.FAIL) }
        assertEquals(2, closedDelegates)
        expect<EngineException>("expected one that this app has for tflite-runtime (npu), found 'gpu'") {
            open(Policy.WARN, "gpu")
        }
    }

    @Test
    fun aDelegateThatCannotPrepareLeavesItToTheCpu() {
        Interpreter.failure = "prepare"
        open(Policy.ALLOW).use {
            assertTrue(it.placement.got.isEmpty() && said.isEmpty())
            val line = "npu failed to prepare model.tflite: out of cores; the CPU computes it"
            assertEquals(listOf(line), it.placement.fallbacks)
            it.recommend(history = history(it))
        }
        expect<EngineException>("out of cores", "the policy FAIL refuses that") { open(Policy.FAIL) }
    }

    @Test
    fun aDelegateThatFailsLaterLeavesItToTheCpu() {
        open(Policy.WARN).use {
            val expected = it.recommend(history = history(it))
            Interpreter.failure = "run"
            assertEquals(expected, it.recommend(history = history(it)))
            assertTrue(it.placement.got.isEmpty())
            val line = "npu: signature 'history' failed: the core is gone; the CPU computes model.tflite"
            assertEquals("$line since then", said.last())
        }
    }

    @Test
    fun onThisMachineTheRealOneIsSaidToBeMissing() {
        // Its native library is for Android: what NnApiDelegate asks for first fails here.
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
        val options = EngineOptions(delegate = delegate, policy = policy, onWarning = { said.add(it) })
        return Recommender.open(forTflite(Given.recommender(), "history", "why"), listOf(factory), options)
    }

    private fun ask(recommender: Recommender): Any = listOf(1, 5, 2).map { length ->
        recommender.recommend(history = history(recommender, length), explain = 2)
    }

    private fun history(recommender: Recommender, length: Int = 3) = recommender.items.ids.values.take(length)

    /**
     * The bundle as if its .tflite file were one that TensorFlow Lite 2.14 runs; the stand-in computes with
     * ONNX.
     */
    private fun forTflite(bundle: File, vararg signatures: String): MemorySource {
        val source = MemorySource(bundle)
        val files = mapOf("history" to "model.onnx", "why" to "why.onnx", "classify" to "model.onnx")
        Interpreter.models = signatures.associateWith { source.files.getValue(files.getValue(it)) }
        val asked = Regex("\"name\": *\"litert\",\\s*\"oldest_version\": *\"[^\"]*\"")
        val given = "\"name\": \"tflite-runtime\", \"oldest_version\": \"2.14.0\""
        return source.manifest { it.replace(asked, given) }
    }

    private inner class TestDelegate : Delegate {
        override fun getNativeHandle() = 1L

        override fun close() {
            closedDelegates++
        }
    }
}
