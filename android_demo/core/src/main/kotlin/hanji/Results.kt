package hanji

/** What a bundle says of an item: what `filter` is asked about. [id] is a Long or a String. */
data class Item(val id: Any, val title: String, val genres: List<String>)

/**
 * An item of the history that raised the score of a recommended one.
 *
 * [share] is its part of all that raised the score, above 0 and at most 1; over all such items they sum to 1.
 * [contribution] is what it added to the score itself.
 */
data class Reason(val item: Any, val title: String, val share: Double, val contribution: Double)

/** One recommended item; [why] holds the reasons that were asked for with `explain`, the strongest first. */
data class Recommendation(
    val rank: Int,
    val item: Any,
    val title: String,
    val genres: List<String>,
    val score: Double,
    val why: List<Reason> = emptyList(),
)

/**
 * The items for one user, best first.
 *
 * [source] is "model", or "popularity" where the model knows nothing of the user; scores are then
 * interactions. [note] says in words what was not as asked, and is empty otherwise. [skipped] counts ids in
 * `history` and `exclude` that the bundle does not know.
 */
data class Recommendations(
    val items: List<Recommendation>,
    val source: String,
    val note: String,
    val skipped: Int,
) {
    val size: Int get() = items.size

    operator fun iterator(): Iterator<Recommendation> = items.iterator()
}

/**
 * One class that a picture may show. [name] is the label in the language that was asked for, or the label
 * itself; [index] is its place among the bundle's labels.
 */
data class Prediction(
    val rank: Int,
    val label: String,
    val name: String,
    val probability: Double,
    val index: Int,
)

/** What a picture shows, the most probable class first. */
data class Classification(val predictions: List<Prediction>) {
    val best: Prediction get() = predictions[0]
}

/** The outcome of replaying golden.json; [detail] says in words what was found. */
data class SelfTest(
    val passed: Boolean,
    val cases: Int,
    val maxAbsError: Double,
    val tolerance: Double,
    val detail: String,
)
