package hanji

/**
 * External ids by index ([values], all Long or all String), and indices by external id.
 *
 * [find] returns the index of a value, or null if it is unknown.
 */
class Ids internal constructor(
    val values: List<Any>,
    private val kind: String,
    private val find: (Any) -> Int?,
) {
    private val areIntegers = values[0] is Long

    internal constructor(values: List<Any>, kind: String) : this(values, kind, indices(values)::get)

    val size: Int get() = values.size

    /**
     * The index of an external id, null if it is unknown.
     *
     * The string "196" matches the integer 196 and vice versa, whichever the bundle has: one id such as "A12"
     * in the training data makes strings of all. RequestException for other types.
     */
    fun indexOf(id: Any): Int? = when (id) {
        is String -> (if (areIntegers) integer(id) else id)?.let(find)
        is Long -> find(if (areIntegers) id else id.toString())
        is Int, is Short, is Byte -> indexOf((id as Number).toLong())
        else -> {
            val article = if (kind == "item") "an" else "a"
            throw RequestException("expected $article $kind id (Int, Long or String), found ${shown(id)}")
        }
    }

    /** The index of an external id; UnknownIdException if it is unknown. */
    fun knownIndexOf(id: Any): Int = indexOf(id) ?: throw unknown(id)

    internal fun unknown(id: Any) = UnknownIdException(
        "$kind ${quoted(id)} is unknown: expected one of the bundle's $size $kind ids, " +
            "such as ${quoted(values[0])}"
    )
}

/** The item catalogue: one entry per item in each list, in the order of the model's indices. */
class Items internal constructor(
    val ids: Ids,
    val titles: List<String>,
    val genres: List<List<String>>,
    /** Number of training interactions of each item. */
    val popularity: LongArray,
) {
    val size: Int get() = ids.size

    operator fun get(index: Int) = Item(ids.values[index], titles[index], genres[index])
}

private fun indices(values: List<Any>): Map<Any, Int> {
    val indices = HashMap<Any, Int>(values.size * 2)
    values.forEachIndexed { index, id -> indices[id] = index }
    return indices
}

/** Parses [count] user ids, JSON or a table file; BundleException naming the field if it is malformed. */
internal fun parseUsers(content: ByteArray, count: Int, where: String): Ids {
    if (isTableFile(where)) return readIds(content, count, where)
    val table = Table.parse(content, where)
    val ids = table.ids("ids")
    checkLength(table, "ids", ids.size, count)
    return Ids(ids, "user")
}

/** Parses [count] items, JSON or a table file; BundleException naming the field if it is malformed. */
internal fun parseItems(content: ByteArray, count: Int, where: String): Items {
    if (isTableFile(where)) return readItems(content, count, where)
    val table = Table.parse(content, where)
    val ids = table.ids("ids")
    checkLength(table, "ids", ids.size, count)
    val titles = table.texts("titles")
    checkLength(table, "titles", titles.size, count)
    val genres = genres(table)
    checkLength(table, "genres", genres.size, count)
    val popularity = popularity(table)
    checkLength(table, "popularity", popularity.size, count)
    return Items(Ids(ids, "item"), titles, genres, popularity)
}

private fun genres(table: Table): List<List<String>> {
    val shared = HashMap<List<String>, List<String>>() // many items share few combinations of genres
    return table.array("genres").map { row ->
        val names = (row as? List<*>)?.map { it as? String ?: genresExpected(table) } ?: genresExpected(table)
        shared.getOrPut(names) { names }
    }
}

private fun genresExpected(table: Table): Nothing = table.fail("genres", "an array of strings per item")

private fun popularity(table: Table): LongArray {
    val counts = table.array("popularity")
    return LongArray(counts.size) { index ->
        val count = asInteger(counts[index]) ?: -1
        if (count in 0..MAX_INTEGER) count
        else table.fail("popularity", "integers from 0 to $MAX_INTEGER")
    }
}

private fun checkLength(table: Table, key: String, found: Int, expected: Int) {
    if (found == expected) return
    throw BundleException(
        "${table.where}: $key: expected $expected entries (the manifest's count), found $found; $EXPORT_AGAIN"
    )
}

/** The integer whose canonical decimal form is [text], or null. */
private fun integer(text: String): Long? = longOrNull(text)?.takeIf { it.toString() == text }
