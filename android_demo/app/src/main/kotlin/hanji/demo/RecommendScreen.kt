package hanji.demo

import android.app.Activity
import android.app.AlertDialog
import android.view.View
import android.view.ViewGroup
import android.view.inputmethod.InputMethodManager
import android.widget.ArrayAdapter
import android.widget.AutoCompleteTextView
import android.widget.Button
import android.widget.TextView
import hanji.Item
import hanji.Recommendation
import hanji.Recommendations

/**
 * The screen for recommendations: search and pick titles, ten recommendations with reasons, delete the
 * history.
 */
class RecommendScreen(private val activity: Activity, private val state: RecommendState) : Screen {
    private val search: AutoCompleteTextView = activity.findViewById(R.id.search)
    private val pickedHeading: TextView = activity.findViewById(R.id.picked_heading)
    private val picked: ViewGroup = activity.findViewById(R.id.picked)
    private val status: TextView = activity.findViewById(R.id.recommend_status)
    private val results: ViewGroup = activity.findViewById(R.id.results)
    private val delete: Button = activity.findViewById(R.id.delete_history)
    private var searchTitles: List<Title>? = null

    init {
        search.setOnItemClickListener { list, _, position, _ ->
            pickedFromList(list.getItemAtPosition(position) as Title)
        }
        delete.setOnClickListener { confirmDelete() }
        state.view.observe(::show)
    }

    override fun close() = state.view.stopObserving()

    private fun show(view: RecommendView) {
        search.isEnabled = view is RecommendView.Ready
        when (view) {
            is RecommendView.Opening -> showStatus(activity.getString(R.string.working))
            is RecommendView.TakesUsers -> showStatus(activity.getString(R.string.takes_users))
            is RecommendView.Refused -> showStatus(activity.getString(R.string.refused, view.message))
            is RecommendView.Ready -> show(view)
        }
    }

    private fun show(view: RecommendView.Ready) {
        setTitles(view.titles)
        delete.isEnabled = view.picked.isNotEmpty()
        picked.removeAllViews()
        if (view.picked.isEmpty()) {
            pickedHeading.setText(R.string.suggestions)
            view.popular.forEach { picked.addView(addableRow(it, it.title, it.genres.joinToString())) }
        } else {
            pickedHeading.setText(R.string.picked)
            view.picked.asReversed().forEach { picked.addView(removableRow(it)) }
        }
        results.removeAllViews()
        val recommendations = view.recommendations
        when {
            recommendations != null -> showResults(recommendations)
            view.picked.isEmpty() -> showStatus(activity.getString(R.string.no_results))
            else -> showStatus(activity.getString(R.string.working))
        }
    }

    private fun showResults(recommendations: Recommendations) {
        val size = recommendations.size
        val count = activity.resources.getQuantityString(R.plurals.recommended, size, size)
        val isPopularity = recommendations.source == "popularity"
        showStatus(if (isPopularity) count + "\n" + activity.getString(R.string.popularity) else count)
        for (recommended in recommendations.items) {
            val title = activity.getString(R.string.result_title, recommended.rank, recommended.title)
            val item = Item(recommended.item, recommended.title, recommended.genres)
            results.addView(addableRow(item, title, detail(recommended, isPopularity)))
        }
    }

    private fun detail(recommended: Recommendation, isPopularity: Boolean): String {
        val genres = recommended.genres.joinToString()
        if (isPopularity) return genres
        val reasons = recommended.why.joinToString { "‘${it.title}’" }
        val why = when {
            reasons.isEmpty() -> activity.getString(R.string.no_reason)
            else -> activity.getString(R.string.because, reasons)
        }
        return if (genres.isEmpty()) why else "$genres\n$why"
    }

    /** Sets the titles to search only if they changed, because a new adapter closes the suggestions. */
    private fun setTitles(titles: List<Title>) {
        if (searchTitles === titles) return
        searchTitles = titles
        search.setAdapter(ArrayAdapter(activity, android.R.layout.simple_dropdown_item_1line, titles))
    }

    private fun pickedFromList(title: Title) {
        search.setText("")
        val keyboard = activity.getSystemService(Activity.INPUT_METHOD_SERVICE) as InputMethodManager
        keyboard.hideSoftInputFromWindow(search.windowToken, 0)
        state.pick(title.item)
    }

    private fun addableRow(item: Item, title: String, detail: String): View =
        row(title, detail, activity.getString(R.string.add)) { button ->
            button.contentDescription = activity.getString(R.string.add_title, item.title)
            button.setOnClickListener { state.pick(item) }
        }

    private fun removableRow(item: Item): View =
        row(item.title, item.genres.joinToString(), activity.getString(R.string.remove)) { button ->
            button.contentDescription = activity.getString(R.string.remove_title, item.title)
            button.setOnClickListener { state.remove(item) }
        }

    private fun row(title: String, detail: String, action: String, setUp: (Button) -> Unit): View {
        val row = activity.layoutInflater.inflate(R.layout.title_row, picked, false)
        row.findViewById<TextView>(R.id.row_title).text = title
        row.findViewById<TextView>(R.id.row_detail).text = detail
        val button = row.findViewById<Button>(R.id.row_button)
        button.text = action
        setUp(button)
        return row
    }

    private fun confirmDelete() {
        AlertDialog.Builder(activity)
            .setMessage(R.string.delete_confirm)
            .setPositiveButton(R.string.delete) { _, _ ->
                state.delete()
                showStatus(activity.getString(R.string.history_deleted))
            }
            .setNegativeButton(R.string.keep, null)
            .show()
    }

    /** Sets the text of the live region, which TalkBack announces. */
    private fun showStatus(text: String) {
        if (status.text.toString() != text) status.text = text
    }
}
