package hanji.demo

import hanji.EngineFactory
import hanji.EngineOptions
import hanji.Policy
import hanji.engines.OnnxEngineFactory

/**
 * The inference engines of this app.
 *
 * `hanji.engines.TfliteEngineFactory` has the same interface, but is not included, because the latest TFLite
 * on Maven Central supports neither 4-bit embeddings nor 16 KB pages.
 */
fun engines(): List<EngineFactory> = listOf(OnnxEngineFactory())

/** One thread on the CPU. Fallbacks are errors, so that they cannot slow down the app unnoticed. */
fun engineOptions(): EngineOptions = EngineOptions(threads = 1, policy = Policy.FAIL)
