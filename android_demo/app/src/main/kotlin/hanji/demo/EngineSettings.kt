package hanji.demo

import hanji.EngineOptions
import hanji.Policy

/** One thread on the CPU. Fallbacks are errors, so that they cannot slow down the app unnoticed. */
fun engineOptions(): EngineOptions = EngineOptions(threads = 1, policy = Policy.FAIL)
