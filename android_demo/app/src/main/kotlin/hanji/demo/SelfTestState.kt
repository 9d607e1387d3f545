package hanji.demo

import android.util.Log
import hanji.BundleSource
import java.util.Locale

/** What came of the self-test of the bundle in [folder]. */
class Tested(val folder: String, val outcome: Outcome<SelfTestReport>) {
    val passed: Boolean get() = (outcome as? Outcome.Done)?.value?.result?.passed == true
}

/** What the self-test screen shows: [reports] as far as they are there, and whether more will come. */
class SelfTestView(val running: Boolean, val reports: List<Tested>)

/** Replays the golden answers of both bundles, one after the other. */
class SelfTestState(private val worker: Worker, private val source: (String) -> BundleSource) {
    val view = Watched(SelfTestView(false, emptyList()))

    /** Start, unless it runs already. */
    fun run() {
        if (view.value.running) return
        view.value = SelfTestView(true, emptyList())
        for (folder in FOLDERS) {
            worker.ask({ selfTest(folder, source(folder)) }) { outcome -> add(Tested(folder, outcome)) }
        }
    }

    private fun add(tested: Tested) {
        val reports = view.value.reports + tested
        view.value = SelfTestView(reports.size < FOLDERS.size, reports)
        Log.i(TAG, line(tested))
    }

    private companion object {
        /** The only thing that this app logs: whether its models work. Nothing of it is about who uses it. */
        const val TAG = "hanji-self-test"
        val FOLDERS = listOf(RECOMMENDER, CLASSIFIER)

        /** One line for `adb logcat`. */
        fun line(tested: Tested): String {
            val word = if (tested.passed) "PASSED" else "FAILED"
            val report = when (val outcome = tested.outcome) {
                is Outcome.Failed -> return "$word ${tested.folder}: ${outcome.message}"
                is Outcome.Done -> outcome.value
            }
            val place = report.placement
            val format = "opened in %.1f ms, tested in %.1f ms"
            val times = String.format(Locale.ROOT, format, report.openMillis, report.testMillis)
            return "$word ${tested.folder}: ${report.result.detail}; ${place.engine} ${place.version}, " +
                "threads ${place.threads}, asked ${place.asked}, got ${place.got}; $times"
        }
    }
}
