package hanji

/** Distinct indices of the known items, and the number of unknown ids. */
internal class KnownItems(val indices: IntArray, val skipped: Int)

/**
 * A signature and its inputs; [inputs] is null if the user is unknown or the history has no known item.
 *
 * [seen] has the indices of the known items of the history, oldest first; empty for a user.
 */
internal class Query(
    val signature: String,
    val inputs: Map<String, Tensor>?,
    val seen: IntArray,
    val note: String,
    val skipped: Int,
)

/**
 * The known items among [itemIds], in their order; duplicates count once, at their last position.
 *
 * Unknown ids are skipped and counted, or an UnknownIdException is thrown if [unknown] is "error".
 */
internal fun knownItems(itemIds: List<Any>, ids: Ids, unknown: String): KnownItems {
    val latestFirst = LinkedHashSet<Int>()
    var skipped = 0
    val found = itemIds.map { ids.indexOf(it) }
    found.forEachIndexed { position, index ->
        if (index == null && unknown == "error") throw ids.unknown(itemIds[position])
        if (index == null) skipped++
    }
    for (position in found.indices.reversed()) found[position]?.let { latestFirst.add(it) }
    val indices = IntArray(latestFirst.size)
    var position = indices.size
    for (index in latestFirst) indices[--position] = index
    return KnownItems(indices, skipped)
}

/** The note on skipped ids; empty if none were skipped. */
internal fun skippedNote(what: String, skipped: Int): String =
    if (skipped > 0) "unknown $what ids skipped: $skipped" else ""

/** The query for a user id; [unknown] is the manifest's policy for unknown users. */
internal fun userQuery(user: Any, users: Ids, unknown: String): Query {
    val index = users.indexOf(user)
    if (index != null) return Query("catalogue", mapOf("user" to Tensor.of(index)), IntArray(0), "", 0)
    if (unknown == "error") throw users.unknown(user)
    val note = "user ${quoted(user)} is unknown to this bundle: ranked by popularity"
    return Query("catalogue", null, IntArray(0), note, 0)
}

/**
 * The query for a history of item ids, oldest first.
 *
 * The model input has exactly one entry per known item, without padding: engines accept any length.
 */
internal fun historyQuery(history: List<Any>, items: Ids, unknown: String): Query {
    val known = knownItems(history, items, unknown)
    val note = skippedNote("history", known.skipped)
    if (known.indices.isNotEmpty()) {
        val inputs = mapOf("history" to Tensor.of(*known.indices))
        return Query("history", inputs, known.indices, note, known.skipped)
    }
    return Query("history", null, known.indices, joined(POPULAR, note), known.skipped)
}

/** The error for arguments that are not exactly the one, user or history, that the bundle takes. */
internal fun wrongInput(takes: String, user: Any?, history: List<Any>?): RequestException {
    val given = listOfNotNull("user".takeIf { user != null }, "history".takeIf { history != null })
    val expected = if (takes == "user") TAKES_USER else TAKES_HISTORY
    return RequestException(
        "expected $expected; found ${given.joinToString(" and ").ifEmpty { "neither user nor history" }}"
    )
}

/** Joins the notes that are not empty. */
internal fun joined(vararg notes: String): String = notes.filter { it.isNotEmpty() }.joinToString("; ")

private const val POPULAR = "the history contains no known item: ranked by popularity"
private const val TAKES_USER =
    "user = ID: this bundle takes the id of a user in its training data, not a history"
private const val TAKES_HISTORY =
    "history = listOf(ID, …): this bundle takes the user's history and has no users"
