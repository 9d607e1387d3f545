package hanji

import java.math.BigDecimal
import java.math.MathContext
import java.math.RoundingMode

/** A value in few words, however large it is: texts in quotes, arrays and objects by what they are. */
internal fun shown(value: Any?): String {
    val text = when (value) {
        is Map<*, *> -> return "an object"
        is List<*> -> return "an array of ${value.size}"
        is String -> quoted(value)
        else -> value.toString()
    }
    return if (text.length <= LONGEST) text else text.substring(0, LONGEST) + "…"
}

/** An own id as Python's repr shows it: 196, 'item-3', "it's". */
internal fun quoted(value: Any): String {
    if (value !is String) return value.toString()
    val mark = if ('\'' in value && '"' !in value) '"' else '\''
    val text = StringBuilder().append(mark)
    for (letter in value) {
        when (letter) {
            '\n' -> text.append("\\n")
            '\r' -> text.append("\\r")
            '\t' -> text.append("\\t")
            '\\', mark -> text.append('\\').append(letter)
            else -> text.append(letter)
        }
    }
    return text.append(mark).toString()
}

/**
 * A number with three digits that count, as Python's format `%.3g` writes it, whatever the phone's
 * language.
 */
internal fun short(value: Double): String {
    if (value == 0.0) return "0"
    if (value.isNaN() || value.isInfinite()) return value.toString()
    val rounded = BigDecimal(value).round(MathContext(3, RoundingMode.HALF_EVEN))
    val exponent = rounded.precision() - rounded.scale() - 1
    if (exponent in -4..2) return trimmed(rounded.setScale(2 - exponent, RoundingMode.HALF_EVEN))
    val digits = trimmed(rounded.movePointLeft(exponent))
    val sign = if (exponent < 0) '-' else '+'
    val power = Math.abs(exponent)
    return digits + "e" + sign + (if (power < 10) "0" else "") + power
}

private fun trimmed(value: BigDecimal): String {
    val digits = value.toPlainString()
    return if ('.' in digits) digits.dropLastWhile { it == '0' }.dropLastWhile { it == '.' } else digits
}

/*
 * What Kotlin's own library does as well, in fewer classes: its split alone brings a dozen with it, and they
 * would all go into an app's dex.
 */

/** The parts of [text] between the [mark]s; one more than there are marks. */
internal fun parts(text: String, mark: Char): List<String> {
    val parts = ArrayList<String>()
    var start = 0
    for (at in 0..text.length) {
        if (at == text.length || text[at] == mark) {
            parts.add(text.substring(start, at))
            start = at + 1
        }
    }
    return parts
}

/** The integer that [text] is, null if it is none or beyond a Long. */
internal fun longOrNull(text: String): Long? = try {
    text.toLong()
} catch (_: NumberFormatException) {
    null
}

private const val LONGEST = 60
