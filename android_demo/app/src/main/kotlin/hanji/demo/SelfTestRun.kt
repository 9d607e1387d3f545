package hanji.demo

import hanji.BundleSource
import hanji.Classifier
import hanji.Placement
import hanji.Recommender
import hanji.SelfTest
import hanji.Session

/**
 * The result of the self-test of a bundle. Times are in milliseconds; opening includes verification and
 * loading the engine.
 */
class SelfTestReport(
    val folder: String,
    val result: SelfTest,
    val placement: Placement,
    val openMillis: Double,
    val testMillis: Double,
)

/**
 * Opens the bundle in [folder], runs its self-test, and closes it. HanjiException if it is rejected.
 *
 * Must not use `android.*`, because tests run this class from the APK on a desktop.
 */
fun selfTest(folder: String, source: BundleSource): SelfTestReport {
    val start = System.nanoTime()
    val model: Session = when (folder) {
        RECOMMENDER -> Recommender.open(source, engines(), engineOptions())
        else -> Classifier.open(source, engines(), engineOptions())
    }
    try {
        val opened = System.nanoTime()
        val result = model.selfTest()
        val tested = System.nanoTime()
        return SelfTestReport(folder, result, model.placement, millis(start, opened), millis(opened, tested))
    } finally {
        model.close()
    }
}

private fun millis(from: Long, to: Long): Double = (to - from) / 1e6
