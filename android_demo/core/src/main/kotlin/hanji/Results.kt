package hanji

/** The description of an item in the bundle, also the argument of `filter`. [id] is a Long or a String. */
class Item(val id: Any, val title: String, val genres: List<String>)

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
class Prediction(
    val rank: Int,
    val label: String,
    val name: String,
    val probability: Double,
    val index: Int,
)

/**
 * The predictions for an image, most probable class first; none if the labels have thresholds and none is
 * reached.
 */
class Classification(val predictions: List<Prediction>) {
    /** The first prediction; RequestException if there is none. */
    val best: Prediction
        get() {
            if (predictions.isEmpty()) throw RequestException("best: no label reaches its threshold")
            return predictions[0]
        }
}

/** An estimated number; [name] is as of a [Prediction], [unit] empty if there is none. */
class Value(val label: String, val name: String, val value: Double, val unit: String)

/** The result of replaying golden.json; [detail] is a summary for humans. */
class SelfTest(
    val passed: Boolean,
    val cases: Int,
    val maxAbsError: Double,
    val tolerance: Double,
    val detail: String,
)
