package hanji.demo

import android.content.ContentResolver
import android.graphics.Bitmap
import android.net.Uri
import hanji.Classification
import hanji.Pixels
import java.util.Locale

/** What the lower half of the classify screen shows. */
sealed class Seen {
    object Nothing : Seen()

    object Working : Seen()

    object NoPicture : Seen()

    class Refused(val message: String) : Seen()

    class Answer(val classes: Classification) : Seen()
}

/** The drawing or picture to look at, and what the model sees in it. A picture is kept in memory only. */
class ClassifyState(
    private val worker: Worker,
    private val models: Models,
    private val resolver: ContentResolver,
) {
    val drawing = Watched(Drawing())
    val seen = Watched<Seen>(Seen.Nothing)
    var picture: Bitmap? = null
        private set
    var inverted = false
        private set
    private var question = 0

    /** Show again what was drawn before the app was ended by the system. */
    fun restore(packed: FloatArray?) = draw(Drawing.unpacked(packed), finished = true)

    /** A new state of the drawing, which takes the place of a picture; asked when the finger is lifted. */
    fun draw(changed: Drawing, finished: Boolean) {
        picture = null
        drawing.value = changed
        if (!finished) return
        if (changed.isEmpty) forget() else ask { changed.pixels() }
    }

    fun clear() = draw(Drawing(), finished = true)

    /** Turn light and dark of a picture around, or back. */
    fun invert(wanted: Boolean) {
        if (wanted == inverted) return
        inverted = wanted
        val shown = picture ?: return
        ask { pixelsOf(shown, wanted) }
    }

    /** Read and classify the picture behind [chosen]. */
    fun choose(chosen: Uri) {
        val asked = ++question
        seen.value = Seen.Working
        worker.ask({ readPicture(resolver, chosen) }) { outcome ->
            if (asked != question) return@ask
            when (outcome) {
                is Outcome.Failed -> seen.value = Seen.NoPicture
                is Outcome.Done -> take(outcome.value)
            }
        }
    }

    private fun take(bitmap: Bitmap) {
        picture = bitmap
        drawing.value = Drawing()
        ask { pixelsOf(bitmap, inverted) }
    }

    private fun forget() {
        question++
        seen.value = Seen.Nothing
    }

    /** An answer that a newer question overtook is dropped. */
    private fun ask(pixels: () -> Pixels) {
        val asked = ++question
        seen.value = Seen.Working
        worker.ask({ classified(pixels()) }) { outcome ->
            if (asked != question) return@ask
            seen.value = when (outcome) {
                is Outcome.Failed -> Seen.Refused(outcome.message)
                is Outcome.Done -> Seen.Answer(outcome.value)
            }
        }
    }

    private fun classified(pixels: Pixels): Classification {
        val model = models.classifier()
        val language = Locale.getDefault().language.takeIf { it in model.names }
        return model.classify(pixels, CLASSES, language)
    }

    private companion object {
        const val CLASSES = 5
    }
}
