package hanji.demo

import android.content.ContentResolver
import android.graphics.Bitmap
import android.net.Uri
import hanji.Pixels
import hanji.Prediction
import hanji.Value
import java.util.Locale

/** The outcome that the classify screen shows. */
sealed class ClassifyOutcome {
    object Empty : ClassifyOutcome()

    object Working : ClassifyOutcome()

    object UnreadableFile : ClassifyOutcome()

    class Failed(val message: String) : ClassifyOutcome()

    class Classes(val predictions: List<Prediction>) : ClassifyOutcome()

    class Values(val values: List<Value>) : ClassifyOutcome()
}

/** The drawing or image to classify, and the outcome. Images are kept in memory only. */
class ClassifyState(
    private val worker: Worker,
    private val models: Models,
    private val resolver: ContentResolver,
) {
    val drawing = ObservableValue(Drawing())
    val outcome = ObservableValue<ClassifyOutcome>(ClassifyOutcome.Empty)
    var image: Bitmap? = null
        private set
    var inverted = false
        private set
    private var latestRequest = 0

    /** Restore the drawing after the system has ended the app. */
    fun restore(packed: FloatArray?) = draw(Drawing.unpacked(packed), finished = true)

    /** Update the drawing, which replaces an image; it is classified when [finished]. */
    fun draw(changed: Drawing, finished: Boolean) {
        image = null
        drawing.value = changed
        if (!finished) return
        if (changed.isEmpty) reset() else classify { changed.pixels() }
    }

    fun clear() = draw(Drawing(), finished = true)

    /** Set whether the image is inverted. */
    fun invert(invert: Boolean) {
        if (invert == inverted) return
        inverted = invert
        val bitmap = image ?: return
        classify { pixelsOf(bitmap, invert) }
    }

    /** Read and classify the image at [uri]. */
    fun choose(uri: Uri) {
        val request = ++latestRequest
        outcome.value = ClassifyOutcome.Working
        worker.submit({ readImage(resolver, uri) }) { result ->
            if (request != latestRequest) return@submit
            when (result) {
                is Outcome.Failed -> outcome.value = ClassifyOutcome.UnreadableFile
                is Outcome.Done -> show(result.value)
            }
        }
    }

    private fun show(bitmap: Bitmap) {
        image = bitmap
        drawing.value = Drawing()
        classify { pixelsOf(bitmap, inverted) }
    }

    private fun reset() {
        latestRequest++
        outcome.value = ClassifyOutcome.Empty
    }

    /** Classifies in the background; the result is discarded if there is a newer request. */
    private fun classify(pixels: () -> Pixels) {
        val request = ++latestRequest
        outcome.value = ClassifyOutcome.Working
        worker.submit({ runClassifier(pixels()) }) { result ->
            if (request != latestRequest) return@submit
            outcome.value = when (result) {
                is Outcome.Failed -> ClassifyOutcome.Failed(result.message)
                is Outcome.Done -> result.value
            }
        }
    }

    private fun runClassifier(pixels: Pixels): ClassifyOutcome {
        val model = models.classifier()
        val language = Locale.getDefault().language.takeIf { it in model.names }
        if (model.manifest.output?.kind == "values") {
            return ClassifyOutcome.Values(model.estimate(pixels, language))
        }
        return ClassifyOutcome.Classes(model.classify(pixels, CLASSES, language).predictions)
    }

    private companion object {
        const val CLASSES = 5
    }
}
