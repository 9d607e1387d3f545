package hanji

/** Own ids by index ([values], all Long or all String), and indices by own id. */
class Ids internal constructor(val values: List<Any>, private val kind: String) {
    private val indices = HashMap<Any, Int>(values.size * 2).also { indices ->
        values.forEachIndexed { index, own -> indices[own] = index }
    }
    private val areIntegers = values[0] is Long

    val size: Int get() = values.size

    /**
     * The index of an own id, null if it is unknown.
     *
     * Where the ids are integers the text "196" means 196; where they are texts, 196 is unknown.
     * RequestException for what cannot be an id.
     */
    fun indexOf(own: Any): Int? = when (own) {
        is String -> indices[if (areIntegers) integer(own) ?: own else own]
        is Long -> indices[own]
        is Int, is Short, is Byte -> indices[(own as Number).toLong()]
        else -> {
            val article = if (kind == "item") "an" else "a"
            throw RequestException("expected $article $kind id (Int, Long or String), found ${shown(own)}")
        }
    }

    /** The index of an own id; UnknownIdException if it is unknown. */
    fun knownIndexOf(own: Any): Int = indexOf(own) ?: throw unknown(own)

    internal fun unknown(own: Any) = UnknownIdException(
        "$kind ${quoted(own)} is unknown: expected one of the bundle's $size $kind ids, " +
            "such as ${quoted(values[0])}"
    )
}

/** What can be recommended: one entry per item in each list, in the order of the model's indices. */
class Items internal constructor(
    val ids: Ids,
    val titles: List<String>,
    val genres: List<List<String>>,
    /** Training interactions of each item. */
    val popularity: LongArray,
) {
    val size: Int get() = ids.size

    operator fun get(index: Int) = Item(ids.values[index], titles[index], genres[index])
}

/** The [count] user ids in users.json; BundleException naming the field if it holds anything else. */
internal fun parseUsers(content: ByteArray, count: Int, where: String): Ids {
    val table = Table.parse(content, where)
    val ids = table.ids("ids")
    checkLength(table, "ids", ids.size, count)
    return Ids(ids, "user")
}

/** The [count] items in items.json; BundleException naming the field if it holds anything else. */
internal fun parseItems(content: ByteArray, count: Int, where: String): Items {
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
    val shared = HashMap<List<String>, List<String>>() // a million items have a few thousand combinations
    return table.array("genres").map { row ->
        val names = (row as? List<*>)?.map { it as? String ?: genresExpected(table) } ?: genresExpected(table)
        shared.getOrPut(names) { names }
    }
}

private fun genresExpected(table: Table): Nothing = table.fail("genres", "an array of texts per item")

private fun popularity(table: Table): LongArray {
    val counts = table.array("popularity")
    return LongArray(counts.size) { index ->
        val count = asInteger(counts[index]) ?: -1
        if (count in 0..LARGEST_INTEGER) count
        else table.fail("popularity", "integers of 0 to $LARGEST_INTEGER")
    }
}

private fun checkLength(table: Table, key: String, found: Int, expected: Int) {
    if (found == expected) return
    throw BundleException(
        "${table.where}: $key: expected $expected entries (the manifest's count), found $found; $EXPORT_AGAIN"
    )
}

/** The integer that is written exactly like [text], null if it is none. */
private fun integer(text: String): Long? = longOrNull(text)?.takeIf { it.toString() == text }
