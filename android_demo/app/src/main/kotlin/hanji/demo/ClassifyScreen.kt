package hanji.demo

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.Intent
import android.net.Uri
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.CheckBox
import android.widget.ProgressBar
import android.widget.TextView
import hanji.Value
import java.text.NumberFormat
import java.util.Locale

/** The screen for classification: a drawing board or a chosen image, and the most probable classes. */
class ClassifyScreen(private val activity: Activity, private val state: ClassifyState) : Screen {
    private val board: DrawingView = activity.findViewById(R.id.board)
    private val clear: Button = activity.findViewById(R.id.clear)
    private val invert: CheckBox = activity.findViewById(R.id.invert)
    private val heading: TextView = activity.findViewById(R.id.classify_results)
    private val status: TextView = activity.findViewById(R.id.classify_status)
    private val predictions: ViewGroup = activity.findViewById(R.id.predictions)

    init {
        board.onDraw = state::draw
        clear.setOnClickListener { state.clear() }
        activity.findViewById<Button>(R.id.choose).setOnClickListener { chooseImage() }
        invert.setOnCheckedChangeListener { _, checked -> state.invert(checked) }
        state.drawing.observe { showBoard(it) }
        state.outcome.observe(::show)
    }

    override fun close() {
        state.drawing.stopObserving()
        state.outcome.stopObserving()
    }

    fun chosen(image: Uri) = state.choose(image)

    private fun showBoard(drawing: Drawing) {
        board.show(drawing, state.image)
        clear.isEnabled = !drawing.isEmpty || state.image != null
        invert.visibility = if (state.image == null) View.GONE else View.VISIBLE
    }

    private fun show(outcome: ClassifyOutcome) {
        predictions.removeAllViews()
        val isOfValues = outcome is ClassifyOutcome.Values
        heading.setText(if (isOfValues) R.string.classify_estimates else R.string.classify_results)
        when (outcome) {
            is ClassifyOutcome.Empty -> showStatus(activity.getString(R.string.nothing_to_classify))
            is ClassifyOutcome.Working -> showStatus(activity.getString(R.string.working))
            is ClassifyOutcome.UnreadableFile -> showStatus(activity.getString(R.string.not_an_image))
            is ClassifyOutcome.Failed ->
                showStatus(activity.getString(R.string.refused, outcome.message))
            is ClassifyOutcome.Classes ->
                showRows(outcome.predictions.map { Row(it.name, percent(it.probability), it.probability) })
            is ClassifyOutcome.Values ->
                showRows(outcome.values.map { Row(it.name, number(it), null) })
        }
    }

    private fun showRows(rows: List<Row>) {
        showStatus(rows.firstOrNull()?.let(::describe) ?: activity.getString(R.string.no_label))
        rows.forEach { predictions.addView(view(it)) }
    }

    /** Uses the picker of the system, which returns only the chosen image and needs no permission. */
    private fun chooseImage() {
        if (startPicker(Intent.ACTION_OPEN_DOCUMENT) || startPicker(Intent.ACTION_GET_CONTENT)) return
        showStatus(activity.getString(R.string.no_gallery))
    }

    private fun startPicker(action: String): Boolean =
        try {
            val intent = Intent(action).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
            @Suppress("DEPRECATION") // the replacement requires AndroidX
            activity.startActivityForResult(intent, MainActivity.CHOOSE_IMAGE)
            true
        } catch (_: ActivityNotFoundException) {
            false
        }

    /** A class or a value; [share] is the length of its bar, null for a value, which has no largest one. */
    private class Row(val name: String, val text: String, val share: Double?)

    private fun view(row: Row): View {
        val view = activity.layoutInflater.inflate(R.layout.prediction_row, predictions, false)
        view.findViewById<TextView>(R.id.row_title).text = describe(row)
        val bar = view.findViewById<ProgressBar>(R.id.row_bar)
        if (row.share == null) bar.visibility = View.GONE else bar.progress = (1000 * row.share).toInt()
        return view
    }

    private fun describe(row: Row): String = activity.getString(R.string.prediction, row.name, row.text)

    private fun percent(share: Double): String = NumberFormat.getPercentInstance().format(share)

    private fun number(value: Value): String =
        String.format(Locale.getDefault(), "%.4g %s", value.value, value.unit).trim()

    private fun showStatus(text: String) {
        if (status.text.toString() != text) status.text = text
    }
}
