package hanji.demo

import hanji.EngineFactory
import hanji.engines.JavacppTfliteFactory

/**
 * The inference engines of this app.
 *
 * The library is loaded from the APK by its name. JavaCPP's own loader, which looks for it in many places, is
 * removed by proguard-rules.pro.
 */
fun engines(): List<EngineFactory> = listOf(JavacppTfliteFactory { System.loadLibrary("jnitensorflowlite") })
