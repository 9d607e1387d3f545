package hanji

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** Results, including notes and errors, are equal to those of the Python runtime. */
class ResultsTest {
    @Test
    fun recommendationsEqualPythons() {
        for ((format, engines) in TestData.engines) {
            var compared = 0
            for ((name, bundle) in TestData.recommenders()) {
                Recommender.open(DirectorySource(bundle), engines).use { recommender ->
                    val golden = parseGolden(recommender.readFile("golden.json"), "golden.json")
                    val comparison = Comparison(format, golden.artifacts.getValue(format).tolerance)
                    for (case in cases(name, format)) {
                        comparison.compare("$name, $format: ${case["arguments"]}", case) {
                            call(recommender, case)
                        }
                        compared++
                    }
                }
            }
            println("$format: results equal to Python's: $compared")
            assertTrue(compared > 50)
        }
    }

    @Test
    fun classificationsEqualPythons() {
        for ((format, engines) in TestData.engines) {
            for ((name, bundle) in TestData.classifiers()) {
                Classifier.open(DirectorySource(bundle), engines).use { classifier ->
                    val tolerance = if (format == "onnx") 1e-6 else classifier.selfTest().tolerance
                    for (case in cases(name, format)) compareClassification(classifier, case, tolerance)
                }
            }
        }
    }

    private fun compareClassification(classifier: Classifier, case: Map<*, *>, tolerance: Double) {
        val pixels = pixels(Table(case["source"], "source"))
        val expected = Table(case, "case").numbers("probabilities")
        val found = classifier.probabilities(pixels)
        assertArrayEquals(expected, DoubleArray(found.size) { found[it].toDouble() }, tolerance)
        val predictions = classifier.classify(pixels, 3).predictions
        val labels = Table(case, "case").tables("predictions").map { it.text("label") }
        assertEquals(labels, predictions.map { it.label })
        assertEquals(listOf(1, 2, 3), predictions.map { it.rank })
    }

    private fun cases(name: String, format: String): List<Map<*, *>> =
        (TestData.pythonResults("$name.$format") as List<*>).map { it as Map<*, *> }

    private fun call(recommender: Recommender, case: Map<*, *>): Any {
        val arguments = Table(case["arguments"], "arguments")
        val history = if ("history" in arguments) arguments.array("history").filterNotNull() else null
        val k = arguments.integer("k", -9, 1_000_000).toInt()
        if (case["call"] == "why") return recommender.why(history!!, arguments.id("item"), k)
        val genre = if ("genre" in arguments) arguments.text("genre") else null
        return recommender.recommend(
            user = if ("user" in arguments) arguments.id("user") else null,
            history = history,
            k = k,
            excludeSeen = "excludeSeen" !in arguments || arguments.boolean("excludeSeen"),
            exclude = if ("exclude" in arguments) arguments.array("exclude").filterNotNull() else emptyList(),
            filter = genre?.let { { item -> it in item.genres } },
            diversity = if ("diversity" in arguments) arguments.number("diversity") else 0.0,
            explain = if ("explain" in arguments) arguments.integer("explain", -9, 9).toInt() else 0,
        )
    }
}

/** Comparisons with Python's results for one [format], with a [tolerance] of scores. */
private class Comparison(private val format: String, private val tolerance: Double) {
    fun compare(what: String, case: Map<*, *>, call: () -> Any) {
        val found = try {
            call()
        } catch (error: HanjiException) {
            val name = error.javaClass.simpleName.replace("Exception", "Error")
            assertEquals("$what: ${error.message}", case["error"], name.replace("RequestError", "HanjiError"))
            return
        }
        assertTrue("$what: expected ${case["message"]}, found a result", "error" !in case)
        if (found is Recommendations) {
            compareRows(what, Table(case["answer"], "result"), found)
        } else {
            compareReasons(what, Table(case, "case").tables("answer"), found as List<*>)
        }
    }

    private fun compareRows(what: String, result: Table, found: Recommendations) {
        val expected = result.tables("items")
        val items = expected.map { it.id("item") to it.number("score") }
        TestData.compareItems(what, format, items, found.items.map { it.item to it.score }, tolerance)
        assertEquals(what, result.text("source"), found.source)
        assertEquals(what, result.text("note", 0), found.note)
        assertEquals(what, result.integer("skipped", 0, 99), found.skipped.toLong())
        for ((row, recommendation) in expected.zip(found.items)) {
            assertEquals(what, row.integer("rank", 1, 99999), recommendation.rank.toLong())
            if (row.id("item") != recommendation.item) continue
            assertEquals(what, row.text("title", 0), recommendation.title)
            assertEquals(what, row.texts("genres"), recommendation.genres)
            compareReasons(what, row.tables("why"), recommendation.why)
        }
    }

    private fun compareReasons(what: String, expected: List<Table>, found: List<*>) {
        assertEquals(what, expected.map { it.id("item") }, found.map { (it as Reason).item })
        for ((row, reason) in expected.zip(found.map { it as Reason })) {
            assertEquals(what, row.text("title", 0), reason.title)
            assertEquals(what, row.number("contribution"), reason.contribution, tolerance)
            assertEquals(what, row.number("share"), reason.share, 1e-3)
        }
    }
}

/** An image in the format of the Python results. */
internal fun pixels(source: Table): Pixels {
    val sides = listOf("width", "height", "channels").map { source.integer(it, 1, 4096).toInt() }
    return Pixels(fromBase64(source.longText("pixels"))!!, sides[0], sides[1], sides[2])
}
