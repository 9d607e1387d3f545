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
import hanji.Prediction
import java.text.NumberFormat

/** The screen for classification: a drawing board or a chosen image, and the most probable classes. */
class ClassifyScreen(private val activity: Activity, private val state: ClassifyState) : Screen {
    private val board: DrawingView = activity.findViewById(R.id.board)
    private val clear: Button = activity.findViewById(R.id.clear)
    private val invert: CheckBox = activity.findViewById(R.id.invert)
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
        when (outcome) {
            is ClassifyOutcome.Empty -> showStatus(activity.getString(R.string.nothing_to_classify))
            is ClassifyOutcome.Working -> showStatus(activity.getString(R.string.working))
            is ClassifyOutcome.UnreadableFile -> showStatus(activity.getString(R.string.not_an_image))
            is ClassifyOutcome.Failed ->
                showStatus(activity.getString(R.string.refused, outcome.message))
            is ClassifyOutcome.Result -> {
                showStatus(describe(outcome.classification.best))
                outcome.classification.predictions.forEach { predictions.addView(row(it)) }
            }
        }
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

    private fun row(prediction: Prediction): View {
        val row = activity.layoutInflater.inflate(R.layout.prediction_row, predictions, false)
        row.findViewById<TextView>(R.id.row_title).text = describe(prediction)
        row.findViewById<ProgressBar>(R.id.row_bar).progress = (1000 * prediction.probability).toInt()
        return row
    }

    private fun describe(prediction: Prediction): String {
        val percent = NumberFormat.getPercentInstance().format(prediction.probability)
        return activity.getString(R.string.prediction, prediction.name, percent)
    }

    private fun showStatus(text: String) {
        if (status.text.toString() != text) status.text = text
    }
}
