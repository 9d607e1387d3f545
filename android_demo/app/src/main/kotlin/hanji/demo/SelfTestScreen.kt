package hanji.demo

import android.app.Activity
import android.os.Build
import android.view.ViewGroup
import android.widget.Button
import android.widget.TextView
import hanji.Placement

/** The screen for the self-test: results, engine, placement and times. */
class SelfTestScreen(private val activity: Activity, private val state: SelfTestState) : Screen {
    private val run: Button = activity.findViewById(R.id.run_self_test)
    private val status: TextView = activity.findViewById(R.id.self_test_status)
    private val reports: ViewGroup = activity.findViewById(R.id.self_test_reports)

    init {
        run.setOnClickListener { state.run() }
        state.view.observe(::show)
    }

    override fun close() = state.view.stopObserving()

    private fun show(view: SelfTestView) {
        run.isEnabled = !view.running
        status.text = when {
            view.running -> activity.getString(R.string.working)
            else -> view.reports.joinToString("\n", transform = ::summary)
        }
        reports.removeAllViews()
        for (tested in view.reports) {
            add(summary(tested), R.style.Heading)
            details(tested.outcome).forEach { add(it, R.style.Body) }
        }
    }

    private fun summary(tested: Tested): String {
        val name = if (tested.folder == RECOMMENDER) R.string.recommender else R.string.classifier
        val text = if (tested.passed) R.string.self_test_passed else R.string.self_test_failed
        return activity.getString(text, activity.getString(name))
    }

    private fun details(outcome: Outcome<SelfTestReport>): List<String> =
        when (outcome) {
            is Outcome.Failed -> listOf(outcome.message)
            is Outcome.Done -> details(outcome.value)
        }

    private fun details(report: SelfTestReport): List<String> {
        val result = report.result
        val placement = report.placement
        val operators = placement.operators?.let { counts ->
            val text = counts.entries.joinToString { "${it.key} ${it.value}" }
            activity.getString(R.string.placement_operators, text)
        }
        return listOfNotNull(
            result.detail,
            activity.getString(R.string.self_test_cases, result.cases, result.maxAbsError, result.tolerance),
            placement.run { activity.getString(R.string.self_test_engine, engine, version, threads) },
            describe(placement),
            operators,
            activity.getString(R.string.self_test_time, report.openMillis, report.testMillis),
        ) + placement.fallbacks
    }

    private fun describe(placement: Placement): String {
        if (placement.asked.isEmpty()) return activity.getString(R.string.placement_cpu)
        val got = placement.got.joinToString().ifEmpty { activity.getString(R.string.placement_none) }
        return activity.getString(R.string.placement_requested, placement.asked.joinToString(), got)
    }

    /** Adds a line of text; with the style R.style.Heading it is also a heading for TalkBack. */
    private fun add(text: String, style: Int) {
        val view = TextView(activity, null, 0, style)
        view.text = text
        view.setTextIsSelectable(true)
        if (style == R.style.Heading && Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
            view.isAccessibilityHeading = true
        }
        reports.addView(view)
    }
}
