package hanji

/** The description of an item in the bundle, also the argument of `filter`. [id] is a Long or a String. */
data class Item(val id: Any, val title: String, val genres: List<String>)

/**
 * An item of the history with a positive contribution to the score of a recommended item.
 *
 * [share] is its share of all positive contributions, in (0, 1]; the shares of all such items sum to 1.
 * [contribution] is its contribution to the score.
 */
data class Reason(val item: Any, val title: String, val share: Double, val contribution: Double)

/** A recommended item; [why] has the reasons requested by `explain`, largest contribution first. */
data class Recommendation(
    val rank: Int,
    val item: Any,
    val title: String,
    val genres: List<String>,
    val score: Double,
    val why: List<Reason> = emptyList(),
)

/**
 * The recommended items, best first.
 *
 * [source] is "model", or "popularity" if the user or history is unknown to the model; scores are then
 * interaction counts. [note] explains deviations from the request, such as skipped ids; empty if there are
 * none. [skipped] is the number of unknown ids in `history` and `exclude`.
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
 * A class and its probability. [name] is the label in the requested language, or the label itself; [index] is
 * its index in the labels of the bundle.
 */
data class Prediction(
    val rank: Int,
    val label: String,
    val name: String,
    val probability: Double,
    val index: Int,
)

/** The predictions for an image, most probable class first. */
data class Classification(val predictions: List<Prediction>) {
    val best: Prediction get() = predictions[0]
}

/** The result of replaying golden.json; [detail] is a summary for humans. */
data class SelfTest(
    val passed: Boolean,
    val cases: Int,
    val maxAbsError: Double,
    val tolerance: Double,
    val detail: String,
)
