package hanji.demo

import hanji.EngineFactory
import hanji.EngineOptions
import hanji.Policy
import hanji.engines.OnnxEngineFactory

/**
 * Who computes the models of this app.
 *
 * `hanji.engines.TfliteEngineFactory` has the same interface; the app leaves it out because the last TFLite
 * on Maven Central knows neither 4-bit rows nor 16 KB pages.
 */
fun engines(): List<EngineFactory> = listOf(OnnxEngineFactory())

/** One thread on the CPU. What cannot be had as asked is an error: no app should be slow unnoticed. */
fun engineOptions(): EngineOptions = EngineOptions(threads = 1, policy = Policy.FAIL)
