package hanji

import java.io.File
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import org.junit.Assert.assertTrue
import org.junit.Test

/** Calls of closed sessions and engines, and closing while other threads call. */
class ClosingTest {
    private val bundle = TestData.recommender()

    @Test
    fun aClosedSessionRejectsCalls() {
        val factory = FakeEngineFactory()
        val recommender = Recommender.open(DirectorySource(bundle), listOf(factory))
        recommender.close()
        recommender.close()
        assertTrue(factory.isClosed)
        expect<RequestException>("is closed; open the bundle again") {
            recommender.scores(history = listOf("x", 1))
        }
        expect<RequestException>("is closed") { recommender.placement }
    }

    @Test
    fun aClosedEngineRejectsCalls() {
        val manifest = parseManifest(File(bundle, "manifest.json").readBytes(), "manifest.json")
        for ((format, engines) in TestData.engines) {
            val artifact = manifest.artifacts.first { it.format == format }
            val files = artifact.files.associate { it.path to File(bundle, it.path).readBytes() }
            val engine = engines[0].create(artifact, files, EngineOptions())
            engine.close()
            engine.close()
            expect<RequestException>("is closed; open the bundle again") {
                engine.run(artifact.signature("history"), mapOf("history" to Tensor.of(1)))
            }
        }
    }

    @Test
    fun closingWaitsForRunningCalls() {
        val pool = Executors.newFixedThreadPool(4)
        try {
            for (engines in TestData.engines.values) {
                repeat(10) {
                    val recommender = Recommender.open(DirectorySource(bundle), engines)
                    assertTrue(pool.invokeAll(calls(recommender)).all { it.get() })
                }
            }
        } finally {
            pool.shutdown()
        }
    }

    /** Calls, one of which closes the session. Each returns whether its result or error is right. */
    private fun calls(recommender: Recommender): List<Callable<Boolean>> {
        val item = recommender.items.ids.values[5]
        val expected = recommender.recommend(history = listOf(item))
        return List(40) { number ->
            Callable {
                if (number == 20) recommender.close()
                try {
                    recommender.recommend(history = listOf(item)) == expected
                } catch (error: RequestException) {
                    "is closed" in error.message!!
                }
            }
        }
    }
}
