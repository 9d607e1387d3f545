package hanji

import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException

/**
 * The value in UTF-8 JSON: Map, List, String, Long, Double, Boolean or null, read strictly by RFC 8259.
 *
 * A small reader of our own, because org.json exists on a phone only, is lenient, and the common libraries
 * weigh as much as all of this core. Of a key that stands twice the later one counts, as in Python and
 * JavaScript. Integers of more than 18 digits become Doubles: no field of a bundle may be that large.
 * BundleException, naming `where`, for anything malformed.
 */
internal fun parseJson(content: ByteArray, where: String): Any? {
    try {
        return JsonReader(Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).toString()).read()
    } catch (error: CharacterCodingException) {
        throw BundleException("$where: not a valid JSON file: it is not UTF-8; $EXPORT_AGAIN", error)
    } catch (error: JsonSyntaxException) {
        throw BundleException("$where: not a valid JSON file: ${error.message}; $EXPORT_AGAIN", error)
    }
}

internal const val EXPORT_AGAIN = "export the bundle again"

private class JsonSyntaxException(message: String) : Exception(message)

private class JsonReader(private val text: String) {
    private var at = 0

    fun read(): Any? {
        val value = value(0)
        skipSpace()
        if (at < text.length) fail("the end of the file")
        return value
    }

    private fun value(depth: Int): Any? {
        if (depth > DEEPEST) fail("at most $DEEPEST levels of arrays and objects")
        skipSpace()
        return when (peek()) {
            '{' -> objectAt(depth)
            '[' -> arrayAt(depth)
            '"' -> string()
            't' -> word("true", true)
            'f' -> word("false", false)
            'n' -> word("null", null)
            else -> number()
        }
    }

    private fun objectAt(depth: Int): Map<String, Any?> {
        val fields = LinkedHashMap<String, Any?>()
        at++
        skipSpace()
        if (taken('}')) return fields
        do {
            skipSpace()
            if (peek() != '"') fail("a name in quotes")
            val name = string()
            skipSpace()
            if (!taken(':')) fail("':'")
            fields[name] = value(depth + 1)
            skipSpace()
        } while (taken(','))
        if (!taken('}')) fail("',' or '}'")
        return fields
    }

    private fun arrayAt(depth: Int): List<Any?> {
        val values = ArrayList<Any?>()
        at++
        skipSpace()
        if (taken(']')) return values
        do {
            values.add(value(depth + 1))
            skipSpace()
        } while (taken(','))
        if (!taken(']')) fail("',' or ']'")
        return values
    }

    private fun string(): String {
        val start = ++at
        while (at < text.length && text[at] != '"' && text[at] != '\\' && text[at] >= ' ') at++
        if (peek() == '"') return text.substring(start, at++) // most texts hold nothing to replace
        val result = StringBuilder().append(text, start, at)
        while (true) {
            when (val letter = peek()) {
                '"' -> return result.toString().also { at++ }
                '\\' -> result.append(escaped())
                else -> if (letter < ' ') fail("the end of the text") else result.append(letter).also { at++ }
            }
        }
    }

    private fun escaped(): Char {
        at++
        val place = ESCAPED.indexOf(peek())
        if (place < 0) fail("a known letter after '\\'")
        at++
        return if (ESCAPED[place] == 'u') unicode() else MEANT[place]
    }

    private fun unicode(): Char {
        var code = 0
        repeat(4) {
            val letter = peek()
            val digit = if (letter < '\u0080') Character.digit(letter, 16) else -1
            if (digit < 0) fail("four hex digits")
            code = code * 16 + digit
            at++
        }
        return code.toChar()
    }

    private fun number(): Any {
        val start = at
        taken('-')
        if (!taken('0') && digits() == 0) fail("a value")
        val wholeEnd = at
        if (taken('.') && digits() == 0) fail("a digit")
        if (taken('e') || taken('E')) {
            if (!taken('+')) taken('-')
            if (digits() == 0) fail("a digit")
        }
        val length = at - start
        if (length > LONGEST_NUMBER) fail("a number of at most $LONGEST_NUMBER characters")
        val written = text.substring(start, at)
        return if (at == wholeEnd && length <= DIGITS_OF_LONG) written.toLong() else written.toDouble()
    }

    private fun digits(): Int {
        val start = at
        while (at < text.length && text[at] in '0'..'9') at++
        return at - start
    }

    private fun word(word: String, meaning: Any?): Any? {
        if (!text.startsWith(word, at)) fail("a value")
        at += word.length
        return meaning
    }

    private fun skipSpace() {
        while (at < text.length && (text[at] == ' ' || text[at] in '\t'..'\n' || text[at] == '\r')) at++
    }

    private fun taken(letter: Char): Boolean {
        val found = at < text.length && text[at] == letter
        if (found) at++
        return found
    }

    /** The next character; the end of the text looks like one that nothing accepts. */
    private fun peek(): Char = if (at < text.length) text[at] else '\u0000'

    private fun fail(expected: String): Nothing {
        val found = if (at < text.length) quoted(text[at].toString()) else "the end of the file"
        throw JsonSyntaxException("expected $expected at character $at, found $found")
    }

    private companion object {
        const val DEEPEST = 200 // manifests have 10; a phone's smallest stack holds thousands
        const val LONGEST_NUMBER = 1000
        const val DIGITS_OF_LONG = 18
        const val ESCAPED = "\"\\/bfnrtu"
        const val MEANT = "\"\\/\b\u000C\n\r\t"
    }
}
