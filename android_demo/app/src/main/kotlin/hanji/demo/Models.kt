package hanji.demo

import hanji.BundleSource
import hanji.Classifier
import hanji.Recommender

const val RECOMMENDER = "recommender"
const val CLASSIFIER = "classifier"

/**
 * The models of the app, opened on first use. Must only be used on the thread of the [Worker].
 *
 * @param source returns the bundle in the folder [RECOMMENDER] or [CLASSIFIER]
 */
class Models(private val source: (String) -> BundleSource) {
    private var openRecommender: Recommender? = null
    private var openClassifier: Classifier? = null

    /** HanjiException if the bundle is damaged or the engine rejects it. */
    fun recommender(): Recommender =
        openRecommender
            ?: Recommender.open(source(RECOMMENDER), engines(), engineOptions()).also { openRecommender = it }

    /** HanjiException if the bundle is damaged or the engine rejects it. */
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
