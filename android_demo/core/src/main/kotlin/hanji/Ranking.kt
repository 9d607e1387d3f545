package hanji

/** How a ranking is to be; [excluded] and [seen] are indices, each once, of items that may not be in it. */
internal class Wishes(
    val k: Int,
    val excluded: IntArray,
    val seen: IntArray,
    val filter: ((Item) -> Boolean)?,
    val diversity: Double,
) {
    /** RequestException for a `k` or a `diversity` that cannot be had from a catalogue of [items]. */
    fun check(items: Int) {
        val available = items - excluded.size
        if (k !in 1..available) {
            val without = if (excluded.isEmpty()) "" else ", ${excluded.size} of them excluded"
            throw RequestException("k=$k: expected 1 to $available: the catalogue holds $items items$without")
        }
        if (!(diversity >= 0 && diversity < 1)) {
            throw RequestException("diversity: expected 0 or more and less than 1, found $diversity")
        }
    }
}

/**
 * Indices of the items to show, best first: `k` of them, or fewer if no more may be shown.
 *
 * Changes [scores] ([items], finite): what is left out falls below every finite score.
 */
internal fun ranking(scores: DoubleArray, items: Items, wishes: Wishes): IntArray {
    val available = scores.size - hide(scores, wishes.excluded) - hide(scores, wishes.seen)
    val isDiverse = wishes.diversity > 0
    // Beyond Int.MAX_VALUE / 10 a catalogue has no candidates left anyway.
    val wanted = minOf(wishes.k.toLong() * (if (isDiverse) CANDIDATES else 1), available.toLong()).toInt()
    val candidates = if (wishes.filter == null) topK(scores, wanted)
    else firstThatPass(scores, items, wishes.filter, wanted, available)
    if (!isDiverse || candidates.isEmpty()) return candidates
    val genres = candidates.map { items.genres[it] }
    val chosen = diversified(
        DoubleArray(candidates.size) { scores[candidates[it]] }, genres, wishes.k, wishes.diversity
    )
    return IntArray(chosen.size) { candidates[chosen[it]] }
}

/** What is said if fewer than `k` items may be shown, else nothing. */
internal fun shortageNote(found: Int, wishes: Wishes): String {
    if (found == wishes.k) return ""
    val causes = ArrayList<String>()
    if (wishes.seen.isNotEmpty()) causes.add("are in the history")
    if (wishes.excluded.isNotEmpty()) causes.add("are excluded")
    if (wishes.filter != null) causes.add("do not pass the filter")
    return "$found of the ${wishes.k} items asked for: all others ${causes.joinToString(" or ")}"
}

/** Takes items out of the [scores]; how many of them were still in. */
private fun hide(scores: DoubleArray, indices: IntArray): Int {
    var hidden = 0
    for (index in indices) {
        if (scores[index] != Double.NEGATIVE_INFINITY) hidden++
        scores[index] = Double.NEGATIVE_INFINITY
    }
    return hidden
}

/** From the best score downwards, and no further than it takes: each look is eight times deeper. */
private fun firstThatPass(
    scores: DoubleArray,
    items: Items,
    passes: (Item) -> Boolean,
    wanted: Int,
    available: Int,
): IntArray {
    val found = IntArray(wanted)
    var count = 0
    var done = 0
    var depth = FIRST_LOOK.toLong()
    while (done < available && count < wanted) {
        val best = topK(scores, minOf(depth, available.toLong()).toInt())
        while (done < best.size && count < wanted) {
            val index = best[done++]
            if (passes(items[index])) found[count++] = index
        }
        depth *= GROWTH
    }
    return found.copyOf(count)
}

private const val FIRST_LOOK = 64
private const val GROWTH = 8
