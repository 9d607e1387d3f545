package hanji

/** Limit of sizes and counts: tensors are indexed by int32, and model files are smaller than 2 GiB. */
internal const val MAX_COUNT = Int.MAX_VALUE.toLong()

/** The largest integer that is exact in JavaScript, which reads the same files. */
internal const val MAX_INTEGER = 9007199254740991L

/**
 * One JSON object read field by field; every error is a BundleException that names the file and the field.
 *
 * Implements the types of `manifest.schema.json`, like `hanji.runtime.json_table`.
 */
internal class Table(value: Any?, val where: String) {
    private val fields = value as? Map<*, *> ?: failAt(where, "an object", value)

    val keys: List<String> get() = fields.keys.map { it as String }

    operator fun contains(key: String): Boolean = fields.containsKey(key)

    /** Throws the BundleException for a field with an unexpected value. */
    fun fail(key: String, expected: String): Nothing = failAt(at(key), expected, fields[key])

    fun text(key: String, shortest: Int = 1): String {
        val value = get(key)
        if (value is String && value.codePointCount(0, value.length) in shortest..MAX_TEXT) return value
        fail(key, "a string of $shortest to $MAX_TEXT characters")
    }

    /** A string of any length, such as base64 data. */
    fun longText(key: String): String = get(key) as? String ?: fail(key, "a string")

    fun choice(key: String, vararg choices: String): String {
        val value = get(key)
        return if (value is String && value in choices) value
        else fail(key, "one of " + choices.joinToString())
    }

    fun path(key: String): String {
        val value = get(key)
        if (value is String && isInnerPath(value)) return value
        fail(key, "a relative path inside the bundle (separated by '/', without '..')")
    }

    fun sha256(key: String): String {
        val value = get(key)
        val valid = value is String && value.length == 64 && value.all { it in '0'..'9' || it in 'a'..'f' }
        return if (valid) value as String else fail(key, "64 lowercase hex digits")
    }

    fun boolean(key: String): Boolean = get(key) as? Boolean ?: fail(key, "true or false")

    fun integer(key: String, smallest: Long, largest: Long): Long {
        val value = asInteger(get(key))
        if (value != null && value in smallest..largest) return value
        fail(key, "an integer from $smallest to $largest")
    }

    fun count(key: String): Int = integer(key, 1, MAX_COUNT).toInt()

    fun number(key: String): Double = asNumber(get(key)) ?: fail(key, "a finite number")

    /** A number from 0 to [largest]. */
    fun magnitude(key: String, largest: Double = Double.POSITIVE_INFINITY): Double {
        val value = asNumber(get(key))
        if (value != null && value in 0.0..largest) return value
        val bounds = if (largest.isInfinite()) "of at least 0" else "from 0 to ${formatNumber(largest)}"
        fail(key, "a finite number $bounds")
    }

    /** A number above 0. */
    fun positive(key: String): Double {
        val value = number(key)
        return if (value > 0) value else fail(key, "a number above 0")
    }

    fun isNull(key: String): Boolean = get(key) == null

    fun array(key: String, shortest: Int = 0): List<Any?> {
        val value = get(key)
        if (value is List<*> && value.size >= shortest) return value
        fail(key, if (shortest > 0) "an array of at least $shortest entries" else "an array")
    }

    /** Finite numbers as doubles. */
    fun numbers(key: String, shortest: Int = 1): DoubleArray {
        val values = array(key, shortest)
        return DoubleArray(values.size) { asNumber(values[it]) ?: fail(key, "an array of numbers") }
    }

    fun texts(key: String): List<String> =
        array(key).map { it as? String ?: fail(key, "an array of strings") }

    /** External ids: unique, and all integers (as Long) or all strings. */
    fun ids(key: String): List<Any> {
        val values = array(key, 1)
        val areTexts = values[0] is String
        val ids: List<Any?> = values.map { if (areTexts) it as? String else exactInteger(it) }
        if (null in ids) fail(key, "ids that are all strings or all integers within ±$MAX_INTEGER")
        if (HashSet(ids).size != ids.size) fail(key, "unique ids")
        return ids.filterNotNull()
    }

    fun id(key: String): Any {
        val value = get(key)
        return value as? String ?: exactInteger(value)
            ?: fail(key, "an id: a string or an integer within ±$MAX_INTEGER")
    }

    fun table(key: String): Table = Table(get(key), at(key))

    fun tables(key: String, shortest: Int = 0): List<Table> =
        array(key, shortest).mapIndexed { index, value -> Table(value, "${at(key)}[$index]") }

    /** The objects in the object [key] by name, converted by [make]. */
    fun <T> namedTables(key: String, make: (String, Table) -> T): Map<String, T> {
        val table = table(key)
        return table.keys.associateWith { make(it, table.table(it)) }
    }

    fun namedTexts(key: String): Map<String, String> {
        val table = table(key)
        return table.keys.associateWith { table.text(it) }
    }

    fun namedNumbers(key: String): Map<String, Double> {
        val table = table(key)
        return table.keys.associateWith { table.number(it) }
    }

    private fun get(key: String): Any? {
        if (key !in this) throw BundleException("${at(key)}: missing; $EXPORT_AGAIN")
        return fields[key]
    }

    private fun at(key: String): String = if (where.endsWith(".json")) "$where: $key" else "$where.$key"

    companion object {
        private const val MAX_TEXT = 1000

        /** Parses a file whose top-level value is an object. */
        fun parse(content: ByteArray, where: String): Table = Table(parseJson(content, where), where)
    }
}

/** The value as a Long, or null if it is not an integer. In JSON, 5.0 is the integer 5. */
internal fun asInteger(value: Any?): Long? = when (value) {
    is Long -> value
    is Double -> if (Math.abs(value) <= MAX_INTEGER && value == Math.rint(value)) value.toLong() else null
    else -> null
}

/** The value as a finite Double, or null; the valid JSON number 1e999, for example, is not finite. */
internal fun asNumber(value: Any?): Double? =
    (value as? Number)?.toDouble()?.takeIf { Math.abs(it) <= MAX_NUMBER }

private const val MAX_NUMBER = 1e308

private fun exactInteger(value: Any?): Long? = asInteger(value)?.takeIf { Math.abs(it) <= MAX_INTEGER }

/**
 * Whether a path is relative and without '..': each part has letters, digits, '_', '.' and '-', and does not
 * start with '.' or '-'.
 */
private fun isInnerPath(path: String): Boolean = path.length <= 255 && parts(path, '/').all { part ->
    part.isNotEmpty() && isWord(part[0]) && part.all { isWord(it) || it == '.' || it == '-' }
}

private fun isWord(character: Char): Boolean =
    character in 'a'..'z' || character in 'A'..'Z' || character in '0'..'9' || character == '_'

private fun failAt(where: String, expected: String, found: Any?): Nothing =
    throw BundleException("$where: expected $expected, found ${shown(found)}; $EXPORT_AGAIN")
