package hanji.demo

import android.app.Activity
import android.os.Build
import android.view.ViewGroup
import android.widget.Button
import android.widget.TextView
import hanji.Placement

/** One press replays the golden answers; what was found, by which engine, where and how fast. */
class SelfTestScreen(private val activity: Activity, private val state: SelfTestState) : Screen {
    private val run: Button = activity.findViewById(R.id.run_self_test)
    private val status: TextView = activity.findViewById(R.id.self_test_status)
    private val reports: ViewGroup = activity.findViewById(R.id.self_test_reports)

    init {
        run.setOnClickListener { state.run() }
        state.view.follow(::show)
    }

    override fun leave() = state.view.unfollow()

    private fun show(view: SelfTestView) {
        run.isEnabled = !view.running
        status.text = when {
            view.running -> activity.getString(R.string.working)
            else -> view.reports.joinToString("\n", transform = ::verdict)
        }
        reports.removeAllViews()
        for (tested in view.reports) {
            add(verdict(tested), R.style.Heading)
            details(tested.outcome).forEach { add(it, R.style.Words) }
        }
    }

    private fun verdict(tested: Tested): String {
        val name = if (tested.folder == RECOMMENDER) R.string.recommender else R.string.classifier
        val words = if (tested.passed) R.string.self_test_passed else R.string.self_test_failed
        return activity.getString(words, activity.getString(name))
    }

    private fun details(outcome: Outcome<SelfTestReport>): List<String> =
        when (outcome) {
            is Outcome.Failed -> listOf(outcome.message)
            is Outcome.Done -> details(outcome.value)
        }

    private fun details(report: SelfTestReport): List<String> {
        val result = report.result
        val place = report.placement
        val operators = place.operators?.let { counts ->
            val words = counts.entries.joinToString { "${it.key} ${it.value}" }
            activity.getString(R.string.placement_operators, words)
        }
        return listOfNotNull(
            result.detail,
            activity.getString(R.string.self_test_cases, result.cases, result.maxAbsError, result.tolerance),
            activity.getString(R.string.self_test_engine, place.engine, place.version, place.threads),
            placement(place),
            operators,
            activity.getString(R.string.self_test_time, report.openMillis, report.testMillis),
        ) + place.fallbacks
    }

    private fun placement(place: Placement): String {
        if (place.asked.isEmpty()) return activity.getString(R.string.placement_cpu)
        val got = place.got.joinToString().ifEmpty { activity.getString(R.string.placement_none) }
        return activity.getString(R.string.placement_asked, place.asked.joinToString(), got)
    }

    /** A line of text; a [style] of R.style.Heading is one for TalkBack, too. */
    private fun add(words: String, style: Int) {
        val view = TextView(activity, null, 0, style)
        view.text = words
        view.setTextIsSelectable(true)
        if (style == R.style.Heading && Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
            view.isAccessibilityHeading = true
        }
        reports.addView(view)
    }
}
