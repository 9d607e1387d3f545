package hanji

import java.math.BigDecimal
import java.math.MathContext
import java.math.RoundingMode

/** A short description of any value: quoted strings, numbers, and the type of arrays and objects. */
internal fun shown(value: Any?): String {
    val text = when (value) {
        is Map<*, *> -> return "an object"
        is List<*> -> return "an array of length ${value.size}"
        is String -> quoted(value)
        else -> value.toString()
    }
    return if (text.length <= MAX_LENGTH) text else text.substring(0, MAX_LENGTH) + "…"
}

/** An id in the format of Python's repr: 196, 'item-3', "it's". */
internal fun quoted(value: Any): String {
    if (value !is String) return value.toString()
    val quote = if ('\'' in value && '"' !in value) '"' else '\''
    val text = StringBuilder().append(quote)
    for (character in value) {
        when (character) {
            '\n' -> text.append("\\n")
            '\r' -> text.append("\\r")
            '\t' -> text.append("\\t")
            '\\', quote -> text.append('\\').append(character)
            else -> text.append(character)
        }
    }
    return text.append(quote).toString()
}

/**
 * A number with three significant digits, like Python's format `%.3g`, independent of the locale.
 */
internal fun formatNumber(value: Double): String {
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
 * Replacements for functions of the Kotlin library, to keep the dex file small: split alone adds a dozen
 * classes.
 */

/** Splits [text] at each [separator]. */
internal fun parts(text: String, separator: Char): List<String> {
    val parts = ArrayList<String>()
    var start = 0
    for (index in 0..text.length) {
        if (index == text.length || text[index] == separator) {
            parts.add(text.substring(start, index))
            start = index + 1
        }
    }
    return parts
}

/** The integer in [text], or null if it is not an integer or does not fit into a Long. */
internal fun longOrNull(text: String): Long? = try {
    text.toLong()
} catch (_: NumberFormatException) {
    null
}

private const val MAX_LENGTH = 60
