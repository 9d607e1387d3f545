package hanji

/**
 * The [k] items of the history that raised the score most, fewer if fewer raised it.
 *
 * [contributions] ([n]) belong to the item indices [seen]. An item that lowered the score is no reason for
 * it: shares are parts of the sum of the positive contributions.
 */
internal fun reasons(contributions: FloatArray, seen: IntArray, items: Items, k: Int): List<Reason> {
    val values = DoubleArray(contributions.size) { contributions[it].toDouble() }
    val raised = values.filter { it > 0 }.sum()
    return topK(values, minOf(k, seen.size)).filter { values[it] > 0 }.map { place ->
        val index = seen[place]
        Reason(items.ids.values[index], items.titles[index], values[place] / raised, values[place])
    }
}
