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

/** Draw by finger, or choose a picture; the most probable classes below. */
class ClassifyScreen(private val activity: Activity, private val state: ClassifyState) : Screen {
    private val board: DrawingView = activity.findViewById(R.id.board)
    private val clear: Button = activity.findViewById(R.id.clear)
    private val invert: CheckBox = activity.findViewById(R.id.invert)
    private val status: TextView = activity.findViewById(R.id.classify_status)
    private val predictions: ViewGroup = activity.findViewById(R.id.predictions)

    init {
        board.onDraw = state::draw
        clear.setOnClickListener { state.clear() }
        activity.findViewById<Button>(R.id.choose).setOnClickListener { choosePicture() }
        invert.setOnCheckedChangeListener { _, checked -> state.invert(checked) }
        state.drawing.follow { showBoard(it) }
        state.seen.follow(::show)
    }

    override fun leave() {
        state.drawing.unfollow()
        state.seen.unfollow()
    }

    fun chosen(picture: Uri) = state.choose(picture)

    private fun showBoard(drawing: Drawing) {
        board.show(drawing, state.picture)
        clear.isEnabled = !drawing.isEmpty || state.picture != null
        invert.visibility = if (state.picture == null) View.GONE else View.VISIBLE
    }

    private fun show(seen: Seen) {
        predictions.removeAllViews()
        when (seen) {
            is Seen.Nothing -> say(activity.getString(R.string.nothing_to_look_at))
            is Seen.Working -> say(activity.getString(R.string.working))
            is Seen.NoPicture -> say(activity.getString(R.string.not_a_picture))
            is Seen.Refused -> say(activity.getString(R.string.refused, seen.message))
            is Seen.Answer -> {
                say(words(seen.classes.best))
                seen.classes.predictions.forEach { predictions.addView(row(it)) }
            }
        }
    }

    /** The system's own picker hands over the one picture that somebody chose: no permission is needed. */
    private fun choosePicture() {
        if (started(Intent.ACTION_OPEN_DOCUMENT) || started(Intent.ACTION_GET_CONTENT)) return
        say(activity.getString(R.string.no_gallery))
    }

    private fun started(action: String): Boolean =
        try {
            val intent = Intent(action).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
            @Suppress("DEPRECATION") // what replaces it is in AndroidX, which this app does without
            activity.startActivityForResult(intent, MainActivity.CHOOSE_PICTURE)
            true
        } catch (_: ActivityNotFoundException) {
            false
        }

    private fun row(prediction: Prediction): View {
        val row = activity.layoutInflater.inflate(R.layout.prediction_row, predictions, false)
        row.findViewById<TextView>(R.id.row_title).text = words(prediction)
        row.findViewById<ProgressBar>(R.id.row_bar).progress = (1000 * prediction.probability).toInt()
        return row
    }

    private fun words(prediction: Prediction): String {
        val percent = NumberFormat.getPercentInstance().format(prediction.probability)
        return activity.getString(R.string.prediction, prediction.name, percent)
    }

    private fun say(words: String) {
        if (status.text.toString() != words) status.text = words
    }
}
