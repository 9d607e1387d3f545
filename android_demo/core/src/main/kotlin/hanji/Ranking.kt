package hanji

/** Options of a ranking; the items in [excluded] and [seen] (distinct indices) are left out. */
internal class RankingOptions(
    val k: Int,
    val excluded: IntArray,
    val seen: IntArray,
    val filter: ((Item) -> Boolean)?,
    val diversity: Double,
) {
    /** RequestException if `k` or `diversity` is out of range for a catalogue of [items] items. */
    fun check(items: Int) {
        val available = items - excluded.size
        if (k !in 1..available) {
            val without = if (excluded.isEmpty()) "" else ", ${excluded.size} of them excluded"
            throw RequestException("k=$k: expected 1 to $available: the catalogue has $items items$without")
        }
        if (!(diversity >= 0 && diversity < 1)) {
            throw RequestException("diversity: expected 0 or more and less than 1, found $diversity")
        }
    }
}

/**
 * Indices of the `k` best eligible items, best first; fewer if fewer are eligible.
 *
 * Modifies [scores] ([items], finite): the scores of excluded items are set to -infinity.
 */
internal fun ranking(scores: DoubleArray, items: Items, options: RankingOptions): IntArray {
    val available = scores.size - mask(scores, options.excluded) - mask(scores, options.seen)
    val isDiverse = options.diversity > 0
    // As Long, because 10 * k may overflow an Int; the result is limited by the available items.
    val wanted = minOf(options.k.toLong() * (if (isDiverse) CANDIDATES else 1), available.toLong()).toInt()
    val candidates = if (options.filter == null) topK(scores, wanted)
    else firstPassing(scores, items, options.filter, wanted, available)
    if (!isDiverse || candidates.isEmpty()) return candidates
    val genres = candidates.map { items.genres[it] }
    val chosen = diversified(
        DoubleArray(candidates.size) { scores[candidates[it]] }, genres, options.k, options.diversity
    )
    return IntArray(chosen.size) { candidates[chosen[it]] }
}

/** The note on why fewer than `k` items were found; empty if `k` were found. */
internal fun shortageNote(found: Int, options: RankingOptions): String {
    if (found == options.k) return ""
    val causes = ArrayList<String>()
    if (options.seen.isNotEmpty()) causes.add("are in the history")
    if (options.excluded.isNotEmpty()) causes.add("are excluded")
    if (options.filter != null) causes.add("do not pass the filter")
    return "only $found of the ${options.k} requested items: all others ${causes.joinToString(" or ")}"
}

/** Sets the scores of [indices] to -infinity, and returns how many of them were not masked before. */
private fun mask(scores: DoubleArray, indices: IntArray): Int {
    var masked = 0
    for (index in indices) {
        if (scores[index] != Double.NEGATIVE_INFINITY) masked++
        scores[index] = Double.NEGATIVE_INFINITY
    }
    return masked
}

/**
 * The first [wanted] items that pass the filter, in descending order of score; the search deepens eightfold.
 */
private fun firstPassing(
    scores: DoubleArray,
    items: Items,
    passes: (Item) -> Boolean,
    wanted: Int,
    available: Int,
): IntArray {
    val found = IntArray(wanted)
    var count = 0
    var done = 0
    var depth = INITIAL_DEPTH.toLong()
    while (done < available && count < wanted) {
        val best = topK(scores, minOf(depth, available.toLong()).toInt())
        while (done < best.size && count < wanted) {
            val index = best[done++]
            if (passes(items[index])) found[count++] = index
        }
        depth *= DEPTH_FACTOR
    }
    return found.copyOf(count)
}

private const val INITIAL_DEPTH = 64
private const val DEPTH_FACTOR = 8
