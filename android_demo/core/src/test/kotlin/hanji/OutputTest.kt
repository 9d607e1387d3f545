package hanji

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** Classifiers whose images have several labels, or none, and models that estimate numbers. */
class OutputTest {
    private val pixels = Pixels(ByteArray(64) { (it * 37).toByte() }, 8, 8, 1)
    private val expected = Classifier.open(DirectorySource(TestData.classifier()), TestData.onnx)
        .use { it.probabilities(pixels) }

    @Test
    fun theLabelsThatReachTheirThreshold() {
        val best = expected.indices.maxByOrNull { expected[it] }!!
        val isReached = { index: Int -> index != best && index % 2 == 1 }
        val thresholds = expected.indices.map { if (isReached(it)) expected[it].toDouble() else 1.0 }
        labelled(thresholds).use { classifier ->
            val predictions = classifier.classify(pixels).predictions
            val reached = expected.indices.filter(isReached)
            assertEquals(reached.sortedByDescending { expected[it] }.take(5), predictions.map { it.index })
            assertEquals(1, classifier.classify(pixels, 1).predictions.size)
            assertEquals(predictions[0].index, classifier.classify(pixels, 1).best.index)
            assertArrayEquals(expected, classifier.probabilities(pixels), 0f)
            assertTrue(classifier.selfTest().passed)
        }
    }

    @Test
    fun anImageWithoutLabels() {
        labelled(List(10) { 1.0 }).use { classifier ->
            val found = classifier.classify(pixels)
            assertEquals(emptyList<Prediction>(), found.predictions)
            expect<RequestException>("best: no label reaches its threshold") { found.best }
            expect<RequestException>("a model of probabilities of classes; call classify() instead") {
                classifier.estimate(pixels)
            }
        }
    }

    @Test
    fun values() {
        open("""{"kind": "values", "units": ["mm"${", \"\"".repeat(9)}]}""", "none").use { model ->
            val values = model.estimate(pixels)
            assertArrayEquals(expected, FloatArray(10) { values[it].value.toFloat() }, 0f)
            assertEquals(listOf("mm") + List(9) { "" }, values.map { it.unit })
            assertEquals(model.labels, values.map { it.name })
            assertTrue(model.selfTest().passed)
            val message = "a model of values; call estimate() instead"
            expect<RequestException>(message) { model.classify(pixels) }
            expect<RequestException>(message) { model.probabilities(pixels) }
        }
    }

    @Test
    fun outputsThatContradictTheBundle() {
        val halves = List(10) { 0.5 }
        expect<BundleException>("output.thresholds: expected 10 (labels.count), found 1") {
            labelled(listOf(0.5))
        }
        expect<BundleException>("thresholds: expected numbers from 0 to 1") { labelled(halves + 2.0) }
        expect<BundleException>("source: expected graph for multi-label") { labelled(halves, "softmax") }
        expect<BundleException>("expected one of multi-label, values") {
            open("""{"kind": "boxes"}""", "none")
        }
    }

    private fun labelled(thresholds: List<Double>, source: String = "graph") =
        open("""{"kind": "multi-label", "thresholds": $thresholds}""", source)

    /** The classifier with this `output`, in JSON; [source] is that of its probabilities. */
    private fun open(output: String, source: String): Classifier {
        val bundle = MemorySource(TestData.classifier()).manifest { text ->
            text.replaceFirst("{", "{\"output\": $output, ")
                .replace(Regex("\"schema_version\": *1\\b"), "\"schema_version\": 2")
                .replace("top1_agreement", "agreement")
                .replace(Regex("\"source\": *\"\\w+\""), "\"source\": \"$source\"")
        }
        return Classifier.open(bundle, TestData.onnx)
    }
}
