package hanji.demo

import hanji.EngineFactory
import hanji.engines.OnnxEngineFactory

/** The inference engines of this app. */
fun engines(): List<EngineFactory> = listOf(OnnxEngineFactory())
