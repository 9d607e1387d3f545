package hanji

/** Number of candidates per requested item. */
internal const val CANDIDATES = 10

/**
 * Maximal marginal relevance (Carbonell and Goldstein 1998): positions of [k] of the candidates, in the order
 * in which they are selected.
 *
 * [scores] ([n], highest first) and [genres] describe the candidates. Each step selects the candidate with
 * the highest (1 - diversity) · relevance - diversity · maximum similarity to the selected ones; ties are
 * resolved by position. Relevance is the score scaled to [0, 1] over the candidates; similarity is the cosine
 * of the genre sets, 0 for an item without genres.
 */
internal fun diversified(
    scores: DoubleArray,
    genres: List<List<String>>,
    k: Int,
    diversity: Double,
): IntArray {
    val sets = genres.map { it.toSet() }
    val smallest = scores.last()
    val range = if (scores.first() > smallest) scores.first() - smallest else 1.0
    val relevance = DoubleArray(scores.size) { (1 - diversity) * ((scores[it] - smallest) / range) }
    val maxSimilarity = DoubleArray(scores.size) // similarities are non-negative
    val isRemaining = BooleanArray(scores.size) { true }
    return IntArray(minOf(k, scores.size)) {
        val best = bestCandidate(relevance, maxSimilarity, diversity, isRemaining)
        isRemaining[best] = false
        for (position in maxSimilarity.indices) {
            maxSimilarity[position] = maxOf(maxSimilarity[position], cosine(sets[position], sets[best]))
        }
        best
    }
}

private fun bestCandidate(
    relevance: DoubleArray,
    maxSimilarity: DoubleArray,
    diversity: Double,
    isRemaining: BooleanArray,
): Int {
    var best = -1
    var highest = Double.NEGATIVE_INFINITY
    for (position in relevance.indices) {
        val value = relevance[position] - diversity * maxSimilarity[position]
        if (isRemaining[position] && value > highest) {
            best = position
            highest = value
        }
    }
    return best
}

/**
 * Cosine of two sets as unit vectors. Adds one product per common genre, in the same order as Python, so that
 * rounding is identical.
 */
private fun cosine(left: Set<String>, right: Set<String>): Double {
    val product = entry(left) * entry(right)
    var sum = 0.0
    for (genre in left) if (genre in right) sum += product
    return sum
}

/** The entry of each genre in the unit vector. */
private fun entry(genres: Set<String>): Double = 1 / Math.sqrt(maxOf(genres.size, 1).toDouble())
