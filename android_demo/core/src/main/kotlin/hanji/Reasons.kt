package hanji

/**
 * The [k] items of the history with the largest positive contributions; fewer if fewer are positive.
 *
 * [contributions] ([n]) correspond to the item indices in [seen]. Shares are relative to the sum of the
 * positive contributions.
 */
internal fun reasons(contributions: FloatArray, seen: IntArray, items: Items, k: Int): List<Reason> {
    val values = DoubleArray(contributions.size) { contributions[it].toDouble() }
    val total = values.filter { it > 0 }.sum()
    return topK(values, minOf(k, seen.size)).filter { values[it] > 0 }.map { position ->
        val index = seen[position]
        Reason(items.ids.values[index], items.titles[index], values[position] / total, values[position])
    }
}
