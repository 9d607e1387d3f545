package hanji.demo

import hanji.BundleSource
import hanji.Classifier
import hanji.Recommender

const val RECOMMENDER = "recommender"
const val CLASSIFIER = "classifier"

/**
 * The models of the app, each opened when it is first asked for. Only for the [Worker]'s thread.
 *
 * @param source gives the bundle in one of the folders [RECOMMENDER] and [CLASSIFIER]
 */
class Models(private val source: (String) -> BundleSource) {
    private var openRecommender: Recommender? = null
    private var openClassifier: Classifier? = null

    /** HanjiException if the bundle is damaged or the engine refuses it. */
    fun recommender(): Recommender =
        openRecommender
            ?: Recommender.open(source(RECOMMENDER), engines(), engineOptions()).also { openRecommender = it }

    /** HanjiException if the bundle is damaged or the engine refuses it. */
    fun classifier(): Classifier =
        openClassifier
            ?: Classifier.open(source(CLASSIFIER), engines(), engineOptions()).also { openClassifier = it }

    fun close() {
        openRecommender?.close()
        openClassifier?.close()
        openRecommender = null
        openClassifier = null
    }
}
