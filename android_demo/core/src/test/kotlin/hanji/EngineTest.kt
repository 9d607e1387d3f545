package hanji

import hanji.engines.OnnxEngineFactory
import hanji.engines.TfliteEngineFactory
import hanji.engines.operatorsByProvider
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

/** The choice of engines, delegates, and invalid engine outputs. */
class EngineTest {
    private val history get() = DirectorySource(TestData.recommender())

    @Test
    fun versionsAreComparedNumerically() {
        for ((version, oldest) in listOf("1.28.0" to "1.17", "2.0" to "2", "10.1" to "9", "2.1rc1" to "2")) {
            assertTrue("$version $oldest", isAtLeast(version, oldest))
        }
        for ((version, oldest) in listOf("1.9" to "1.17", "2.0rc1" to "2.0", "2.16.1" to "2.17", "" to "1")) {
            assertTrue("$version $oldest", !isAtLeast(version, oldest))
        }
    }

    @Test
    fun theFirstSuitableEngineIsUsed() {
        val engines = listOf(TfliteEngineFactory(), FakeEngineFactory("litert", "0.1"), OnnxEngineFactory())
        Recommender.open(history, engines).use { assertEquals("onnxruntime", it.placement.engine) }
        expect<EngineException>(
            "engine 'tflite-runtime' cannot run this bundle: tflite-runtime: the bundle has no"
        ) {
            Recommender.open(history, engines, EngineOptions(engine = "tflite-runtime"))
        }
        expect<EngineException>("litert: this model needs version 2.", "or newer, found 0.1") {
            Recommender.open(history, engines, EngineOptions(engine = "litert"))
        }
        expect<EngineException>(
            "expected one of this app's engines (auto, tflite-runtime, litert, onnxruntime), found 'x'"
        ) {
            Recommender.open(history, engines, EngineOptions(engine = "x"))
        }
        expect<EngineException>("expected one of this app's engines (auto), found 'auto'") {
            Recommender.open(history, emptyList())
        }
        expect<RequestException>("threads: expected 1 or more, found 0") {
            Recommender.open(history, engines, EngineOptions(threads = 0))
        }
    }

    @Test
    fun thePlacementReportsTheEngine() {
        Recommender.open(history, TestData.onnx, EngineOptions(threads = 2)).use {
            val placement = it.placement
            val found = listOf(placement.engine, placement.version, placement.threads)
            assertEquals(listOf("onnxruntime", "1.28.0", 2), found)
            assertTrue(placement.asked.isEmpty() && placement.got.isEmpty() && placement.fallbacks.isEmpty())
            assertNull(placement.operators)
        }
    }

    @Test
    fun anUnavailableDelegateIsHandledByThePolicy() {
        val warnings = ArrayList<String>()
        val warned = EngineOptions(delegate = "nnapi", onWarning = { warnings.add(it) })
        Recommender.open(history, TestData.onnx, warned).use {
            assertEquals(listOf("nnapi"), it.placement.asked)
            assertTrue(it.placement.got.isEmpty())
            assertEquals(warnings, it.placement.fallbacks)
            assertTrue(
                warnings.toString(),
                "nnapi is not available in onnxruntime 1.28.0, which has CPU" in warnings.single()
            )
            assertTrue(it.selfTest().passed)
        }
        Recommender.open(history, TestData.onnx, warned.copy(policy = Policy.ALLOW)).use {
            assertEquals(1, it.placement.fallbacks.size)
        }
        assertEquals(1, warnings.size)
        expect<EngineException>("not allowed by the policy FAIL") {
            Recommender.open(history, TestData.onnx, warned.copy(policy = Policy.FAIL))
        }
        expect<EngineException>("delegate: expected 'nnapi' or 'xnnpack' for onnxruntime, found 'gpu'") {
            Recommender.open(history, TestData.onnx, warned.copy(delegate = "gpu"))
        }
    }

    @Test
    fun aProfileContainsThePlacement() {
        val bytes = TestData.recommender().resolve("model.onnx").readBytes()
        val environment = ai.onnxruntime.OrtEnvironment.getEnvironment()
        val counts = operatorsByProvider { path ->
            ai.onnxruntime.OrtSession.SessionOptions().use { settings ->
                settings.enableProfiling(path)
                environment.createSession(bytes, settings).use { session ->
                    ai.onnxruntime.OnnxTensor.createTensor(environment, intArrayOf(3)).use { input ->
                        session.run(mapOf("history" to input)).close()
                    }
                    session.endProfiling()
                }
            }
        }
        println("operators of model.onnx by executor: $counts")
        assertEquals(setOf("cpu"), counts!!.keys)
        assertTrue(counts.getValue("cpu") > 3)
        assertNull(operatorsByProvider { "/no/such/file" })
    }

    @Test
    fun outputsOfAnotherShapeOrWithNansAreRejected() {
        fun recommendWith(run: (Signature, Map<String, Tensor>) -> Tensor) {
            Recommender.open(history, listOf(FakeEngineFactory(run = run))).use {
                it.recommend(history = listOf(it.items.ids.values[0]))
            }
        }
        expect<EngineException>("onnxruntime 9.9: expected an output of shape [200], found [3]") {
            recommendWith { _, _ -> Tensor("float32", intArrayOf(3), FloatArray(3)) }
        }
        for (invalid in listOf(Float.NaN, Float.POSITIVE_INFINITY)) {
            expect<EngineException>("an output of signature 'history' is not a finite number") {
                recommendWith { _, _ -> Tensor("float32", intArrayOf(200), FloatArray(200) { invalid }) }
            }
        }
        expect<EngineException>("expected float32, found int32") {
            recommendWith { _, _ -> Tensor("int32", intArrayOf(200), IntArray(200)) }
        }
    }

    @Test
    fun anInvalidModelIsRejected() {
        val source = MemorySource(TestData.recommender()).file("model.onnx", "not a model".toByteArray())
        expect<EngineException>("onnxruntime 1.28.0 rejected model.onnx ('history')") {
            Recommender.open(source, TestData.onnx)
        }
    }

    @Test
    fun sessionsAreThreadSafe() {
        Recommender.open(history, TestData.onnx).use { recommender ->
            val ids = recommender.items.ids.values
            val histories = List(40) { start -> ids.subList(start, start + 1 + start % 7) }
            val expected = histories.map { recommender.recommend(history = it, explain = 1) }
            val pool = Executors.newFixedThreadPool(4)
            try {
                val found = pool.invokeAll(
                    histories.map { Callable { recommender.recommend(history = it, explain = 1) } }
                )
                assertEquals(expected, found.map { it.get() })
            } finally {
                pool.shutdown()
            }
        }
    }
}
