package hanji.engines

import org.bytedeco.javacpp.BytePointer
import org.bytedeco.javacpp.Pointer
import org.bytedeco.tensorflowlite.Reporter_Pointer_BytePointer_Pointer

/** TensorFlow Lite reported a failure. */
internal class TfliteException(message: String) : RuntimeException(message)

/**
 * Collects the messages of TensorFlow Lite, which would otherwise go to stderr or to Android's log.
 *
 * They are those of the calling thread. There is one object for all models, because JavaCPP has ten such
 * callbacks.
 */
internal object TfliteMessages : Reporter_Pointer_BytePointer_Pointer() {
    private val collected = ThreadLocal<StringBuilder>()

    override fun call(user: Pointer?, format: BytePointer?, values: Pointer?) {
        val text = collected.get() ?: return
        if (text.isNotEmpty()) text.append("; ")
        text.append(withoutValues(format?.string ?: "").trim())
    }

    /** The result of [action], and the messages meanwhile. */
    fun <T> during(action: () -> T): Pair<T, String> {
        val text = StringBuilder()
        collected.set(text)
        try {
            return Pair(action(), text.toString())
        } finally {
            collected.remove()
        }
    }
}

/** The result of [action]; TfliteException with TensorFlow Lite's messages if it is null. */
internal fun <T : Pointer> reported(step: String, action: () -> T?): T {
    val (found, messages) = TfliteMessages.during(action)
    return found ?: throw failure(step, messages)
}

/** TfliteException with TensorFlow Lite's messages if the status of [action] is not 0. */
internal fun expectSuccess(step: String, action: () -> Int) {
    val (status, messages) = TfliteMessages.during(action)
    if (status != 0) throw failure(step, messages)
}

/** TfliteException if there is no tensor of that name. */
internal fun <T : Pointer> required(found: T?, name: String): T =
    found ?: throw TfliteException("expected a tensor '$name', found none")

private fun failure(step: String, messages: String) =
    TfliteException("$step failed" + if (messages.isEmpty()) "" else ": $messages")

/**
 * The [format] of a message of C's printf with "…" for its values. They are in a va_list, whose layout
 * differs from processor to processor.
 */
internal fun withoutValues(format: String): String {
    val text = StringBuilder()
    var at = 0
    while (at < format.length) {
        val start = at++
        if (format[start] != '%') {
            text.append(format[start])
            continue
        }
        while (at < format.length && format[at] in FLAGS) at++
        text.append(if (at < format.length && format[at] == '%') '%' else '…')
        at++
    }
    return text.toString()
}

/** What is between "%" and the letter of a conversion: flags, widths and lengths. */
private const val FLAGS = "-+ #.0123456789*hlzjt"
