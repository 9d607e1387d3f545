package hanji.demo

import android.util.Log
import hanji.BundleSource
import java.util.Locale

/** The outcome of the self-test of the bundle in [folder]. */
class Tested(val folder: String, val outcome: Outcome<SelfTestReport>) {
    val passed: Boolean get() = (outcome as? Outcome.Done)?.value?.result?.passed == true
}

/** The state that the self-test screen shows: the available [reports], and whether more will follow. */
class SelfTestView(val running: Boolean, val reports: List<Tested>)

/** Runs the self-tests of both bundles, one after the other. */
class SelfTestState(private val worker: Worker, private val source: (String) -> BundleSource) {
    val view = ObservableValue(SelfTestView(false, emptyList()))

    /** Starts the self-tests unless they are running. */
    fun run() {
        if (view.value.running) return
        view.value = SelfTestView(true, emptyList())
        for (folder in FOLDERS) {
            worker.submit({ selfTest(folder, source(folder)) }) { outcome -> add(Tested(folder, outcome)) }
        }
    }

    private fun add(tested: Tested) {
        val reports = view.value.reports + tested
        view.value = SelfTestView(reports.size < FOLDERS.size, reports)
        Log.i(TAG, line(tested))
    }

    private companion object {
        /** The self-test is the only thing that this app logs; the log has no user data. */
        const val TAG = "hanji-self-test"
        val FOLDERS = listOf(RECOMMENDER, CLASSIFIER)

        /** One line for `adb logcat`. */
        fun line(tested: Tested): String {
            val status = if (tested.passed) "PASSED" else "FAILED"
            val report = when (val outcome = tested.outcome) {
                is Outcome.Failed -> return "$status ${tested.folder}: ${outcome.message}"
                is Outcome.Done -> outcome.value
            }
            val placement = report.placement
            val format = "opened in %.1f ms, tested in %.1f ms"
            val times = String.format(Locale.ROOT, format, report.openMillis, report.testMillis)
            val engine = "${placement.engine} ${placement.version}"
            return "$status ${tested.folder}: ${report.result.detail}; $engine, " +
                "threads ${placement.threads}, asked ${placement.asked}, got ${placement.got}; $times"
        }
    }
}
