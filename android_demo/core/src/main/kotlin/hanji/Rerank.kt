package hanji

/** Candidates for each item that is asked for. */
internal const val CANDIDATES = 10

/**
 * Maximal marginal relevance (Carbonell and Goldstein 1998): positions of [k] of the candidates, in the order
 * in which they are chosen.
 *
 * [scores] ([n], highest first) and [genres] belong to the candidates. Each step takes the highest
 * (1 - diversity) · relevance - diversity · largest similarity to one already chosen; ties by position.
 * Relevance is the score scaled to [0, 1] over the candidates, similarity the cosine of two sets of genres, 0
 * for an item without.
 */
internal fun diversified(
    scores: DoubleArray,
    genres: List<List<String>>,
    k: Int,
    diversity: Double,
): IntArray {
    val sets = genres.map { it.toSet() }
    val smallest = scores.last()
    val spread = if (scores.first() > smallest) scores.first() - smallest else 1.0
    val relevance = DoubleArray(scores.size) { (1 - diversity) * ((scores[it] - smallest) / spread) }
    val nearest = DoubleArray(scores.size) // no similarity is below 0
    val isLeft = BooleanArray(scores.size) { true }
    return IntArray(minOf(k, scores.size)) {
        val best = mostWorth(relevance, nearest, diversity, isLeft)
        isLeft[best] = false
        for (place in nearest.indices) nearest[place] = maxOf(nearest[place], cosine(sets[place], sets[best]))
        best
    }
}

private fun mostWorth(
    relevance: DoubleArray,
    nearest: DoubleArray,
    diversity: Double,
    isLeft: BooleanArray,
): Int {
    var best = -1
    var highest = Double.NEGATIVE_INFINITY
    for (place in relevance.indices) {
        val worth = relevance[place] - diversity * nearest[place]
        if (isLeft[place] && worth > highest) {
            best = place
            highest = worth
        }
    }
    return best
}

/**
 * Each genre adds the product of two unit vectors' entries, as Python adds them: not one division at the
 * end.
 */
private fun cosine(left: Set<String>, right: Set<String>): Double {
    val product = entry(left) * entry(right)
    var sum = 0.0
    for (genre in left) if (genre in right) sum += product
    return sum
}

/** What each genre is in a unit vector. */
private fun entry(genres: Set<String>): Double = 1 / Math.sqrt(maxOf(genres.size, 1).toDouble())
