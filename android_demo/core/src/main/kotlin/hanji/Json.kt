package hanji

import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException

/**
 * Parses UTF-8 JSON to Map, List, String, Long, Double, Boolean or null, strictly according to RFC 8259.
 *
 * A custom parser, because org.json is only available on Android and lenient, and the common libraries are as
 * large as this whole core. A name that occurs twice in an object is an error. Integers of more than 18
 * digits become Doubles; no field of a bundle may be that large. BundleException with [where] if the content
 * is malformed or too large.
 */
internal fun parseJson(content: ByteArray, where: String): Any? {
    if (content.size > MAX_JSON_BYTES) {
        throw BundleException("$where: expected at most $MAX_JSON_BYTES bytes, found ${content.size}")
    }
    try {
        return JsonReader(Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).toString()).read()
    } catch (error: CharacterCodingException) {
        throw BundleException("$where: not a valid JSON file: it is not UTF-8; $EXPORT_AGAIN", error)
    } catch (error: JsonSyntaxException) {
        throw BundleException("$where: not a valid JSON file: ${error.message}; $EXPORT_AGAIN", error)
    }
}

/** Tables of more are table files. */
private const val MAX_JSON_BYTES = 1 shl 27

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
        if (depth > MAX_DEPTH) fail("at most $MAX_DEPTH levels of arrays and objects")
        skipSpace()
        return when (peek()) {
            '{' -> objectAt(depth)
            '[' -> arrayAt(depth)
            '"' -> string()
            't' -> literal("true", true)
            'f' -> literal("false", false)
            'n' -> literal("null", null)
            else -> number()
        }
    }

    private fun objectAt(depth: Int): Map<String, Any?> {
        val fields = LinkedHashMap<String, Any?>()
        at++
        skipSpace()
        if (accept('}')) return fields
        do {
            skipSpace()
            if (peek() != '"') fail("a name in quotes")
            val name = string()
            if (name in fields) fail("a name that is not in the object yet after ${quoted(name)}")
            skipSpace()
            if (!accept(':')) fail("':'")
            fields[name] = value(depth + 1)
            skipSpace()
        } while (accept(','))
        if (!accept('}')) fail("',' or '}'")
        return fields
    }

    private fun arrayAt(depth: Int): List<Any?> {
        val values = ArrayList<Any?>()
        at++
        skipSpace()
        if (accept(']')) return values
        do {
            values.add(value(depth + 1))
            skipSpace()
        } while (accept(','))
        if (!accept(']')) fail("',' or ']'")
        return values
    }

    private fun string(): String {
        val start = ++at
        while (at < text.length && text[at] != '"' && text[at] != '\\' && text[at] >= ' ') at++
        if (peek() == '"') return text.substring(start, at++) // most strings have no escapes
        val result = StringBuilder().append(text, start, at)
        while (true) {
            when (val character = peek()) {
                '"' -> return result.toString().also { at++ }
                '\\' -> result.append(escaped())
                else -> {
                    if (character < ' ') fail("the end of the text")
                    result.append(character).also { at++ }
                }
            }
        }
    }

    private fun escaped(): Char {
        at++
        val index = ESCAPE_CODES.indexOf(peek())
        if (index < 0) fail("a valid escape character after '\\'")
        at++
        return if (ESCAPE_CODES[index] == 'u') unicode() else ESCAPED_CHARACTERS[index]
    }

    private fun unicode(): Char {
        var code = 0
        repeat(4) {
            val character = peek()
            val digit = if (character < '\u0080') Character.digit(character, 16) else -1
            if (digit < 0) fail("four hex digits")
            code = code * 16 + digit
            at++
        }
        return code.toChar()
    }

    private fun number(): Any {
        val start = at
        accept('-')
        if (!accept('0') && digits() == 0) fail("a value")
        val integerEnd = at
        if (accept('.') && digits() == 0) fail("a digit")
        if (accept('e') || accept('E')) {
            if (!accept('+')) accept('-')
            if (digits() == 0) fail("a digit")
        }
        val length = at - start
        if (length > MAX_NUMBER_LENGTH) fail("a number of at most $MAX_NUMBER_LENGTH characters")
        val literal = text.substring(start, at)
        return if (at == integerEnd && length <= MAX_LONG_DIGITS) literal.toLong() else literal.toDouble()
    }

    private fun digits(): Int {
        val start = at
        while (at < text.length && text[at] in '0'..'9') at++
        return at - start
    }

    private fun literal(name: String, value: Any?): Any? {
        if (!text.startsWith(name, at)) fail("a value")
        at += name.length
        return value
    }

    private fun skipSpace() {
        while (at < text.length && (text[at] == ' ' || text[at] in '\t'..'\n' || text[at] == '\r')) at++
    }

    private fun accept(character: Char): Boolean {
        val found = at < text.length && text[at] == character
        if (found) at++
        return found
    }

    /** The next character; at the end of the text a NUL, which is never accepted. */
    private fun peek(): Char = if (at < text.length) text[at] else '\u0000'

    private fun fail(expected: String): Nothing {
        val found = if (at < text.length) quoted(text[at].toString()) else "the end of the file"
        throw JsonSyntaxException("expected $expected at character $at, found $found")
    }

    private companion object {
        const val MAX_DEPTH = 200 // manifests need 10; the smallest stacks of phones allow thousands
        const val MAX_NUMBER_LENGTH = 1000
        const val MAX_LONG_DIGITS = 18
        const val ESCAPE_CODES = "\"\\/bfnrtu"
        const val ESCAPED_CHARACTERS = "\"\\/\b\u000C\n\r\t"
    }
}
