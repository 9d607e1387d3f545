package hanji

/** Indices of the items that are known, each once, and how many ids were not. */
internal class Known(val indices: IntArray, val skipped: Int)

/**
 * A signature with its inputs; [inputs] is null where the model knows nothing of the user.
 *
 * [seen] are the indices of the history's items, oldest first; empty for a user.
 */
internal class Question(
    val signature: String,
    val inputs: Map<String, Tensor>?,
    val seen: IntArray,
    val note: String,
    val skipped: Int,
)

/**
 * The known items among [owns], in their order; a repeat counts once, where it came last.
 *
 * What is not known is skipped and counted, or is an UnknownIdException where [unknown] is "error".
 */
internal fun knownItems(owns: List<Any>, ids: Ids, unknown: String): Known {
    val latestFirst = LinkedHashSet<Int>()
    var skipped = 0
    val found = owns.map { ids.indexOf(it) }
    found.forEachIndexed { place, index ->
        if (index == null && unknown == "error") throw ids.unknown(owns[place])
        if (index == null) skipped++
    }
    for (place in found.indices.reversed()) found[place]?.let { latestFirst.add(it) }
    val indices = IntArray(latestFirst.size)
    var place = indices.size
    for (index in latestFirst) indices[--place] = index
    return Known(indices, skipped)
}

/** What is said of ids that were skipped, nothing if none was. */
internal fun skippedNote(what: String, skipped: Int): String =
    if (skipped > 0) "$what ids that this bundle does not know, skipped: $skipped" else ""

/** The question for one of the bundle's users; [unknown] is what the manifest says others get. */
internal fun userQuestion(user: Any, users: Ids, unknown: String): Question {
    val index = users.indexOf(user)
    if (index != null) return Question("catalogue", mapOf("user" to Tensor.of(index)), IntArray(0), "", 0)
    if (unknown == "error") throw users.unknown(user)
    val note = "user ${quoted(user)} is unknown to this bundle: ranked by popularity"
    return Question("catalogue", null, IntArray(0), note, 0)
}

/**
 * The question for a history of own item ids, oldest first.
 *
 * Its input is exactly as long as what is known of the history: no padding, engines take any length.
 */
internal fun historyQuestion(history: List<Any>, items: Ids, unknown: String): Question {
    val known = knownItems(history, items, unknown)
    val note = skippedNote("history", known.skipped)
    if (known.indices.isNotEmpty()) {
        val inputs = mapOf("history" to Tensor.of(*known.indices))
        return Question("history", inputs, known.indices, note, known.skipped)
    }
    return Question("history", null, known.indices, joined(POPULAR, note), known.skipped)
}

/** The error of a call that gives anything but the one of both that the bundle takes. */
internal fun wrongAsker(takes: String, user: Any?, history: List<Any>?): RequestException {
    val given = listOfNotNull("user".takeIf { user != null }, "history".takeIf { history != null })
    val expected = if (takes == "user") TAKES_USER else TAKES_HISTORY
    return RequestException(
        "expected $expected; found ${given.joinToString(" and ").ifEmpty { "neither user nor history" }}"
    )
}

/** Notes that say something, one after the other. */
internal fun joined(vararg notes: String): String = notes.filter { it.isNotEmpty() }.joinToString("; ")

private const val POPULAR = "the history holds no item that this bundle knows: ranked by popularity"
private const val TAKES_USER = "user = ID: this bundle takes the id of a user it was trained on, no history"
private const val TAKES_HISTORY =
    "history = listOf(ID, …): this bundle takes the user's own history and knows no users"
