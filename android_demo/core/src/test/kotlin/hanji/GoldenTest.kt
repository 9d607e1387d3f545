package hanji

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

/** Every bundle reproduces its golden outputs on the JVM, with each engine. */
class GoldenTest {
    @Test
    fun everyBundlePassesItsSelfTest() {
        for ((format, engines) in TestData.engines) {
            for ((name, bundle) in TestData.bundles()) {
                val test = open(bundle, engines).use { it.selfTest() }
                println("$name, $format: ${test.detail}")
                assertTrue("$name, $format: ${test.detail}", test.passed)
                assertTrue(test.cases > 0)
            }
        }
    }

    @Test
    fun everyTopTenEqualsPythons() {
        for ((format, engines) in TestData.engines) {
            var compared = 0
            for ((name, bundle) in TestData.recommenders()) {
                Recommender.open(DirectorySource(bundle), engines).use { recommender ->
                    compared += compareTopTens("$name, $format", recommender, format)
                }
            }
            println("$format: top tens equal to Python's: $compared of $compared")
            assertTrue(compared >= 8)
        }
    }

    /** The number of compared cases. */
    private fun compareTopTens(name: String, recommender: Recommender, format: String): Int {
        val golden = parseGolden(recommender.readFile("golden.json"), "golden.json")
        val expected = golden.artifacts.getValue(format)
        for (case in expected.cases) {
            val found = recommender.recommend(case.user, case.history, golden.k, excludeSeen = false)
            val top = case.top.zip(case.scores.toList())
            val items = found.items.map { it.item to it.score }
            TestData.compareItems("$name: $case", format, top, items, expected.tolerance)
        }
        return expected.cases.size
    }

    @Test
    fun aChangedScoreFails() {
        val source = MemorySource(TestData.recommender())
        val golden = source.text("golden.json")
        val score = Regex("\"scores\": *\\[ *(-?[0-9.]+)").find(golden)!!.groupValues[1]
        source.file("golden.json", golden.replace(score, "123.5").toByteArray())
        val test = Recommender.open(source, TestData.onnx).use { it.selfTest() }
        assertFalse(test.passed)
        assertTrue(test.detail, "a score differs by 1" in test.detail)
        assertTrue(test.detail, "failed, first: history of" in test.detail)
    }

    @Test
    fun aChangedPreparationFails() {
        val source = MemorySource(TestData.classifier())
        val prepared = Regex("\"prepared\": *\"([^\"]*)").find(source.text("golden.json"))!!.groupValues[1]
        val other = (if (prepared[0] == 'A') "B" else "A") + prepared.substring(1)
        source.file("golden.json", source.text("golden.json").replace(prepared, other).toByteArray())
        val test = Classifier.open(source, TestData.onnx).use { it.selfTest() }
        assertFalse(test.passed)
        assertTrue(test.detail, "is preprocessed differently than at export" in test.detail)
    }

    @Test
    fun anArtifactThatDidNotRunAtExportFails() {
        val source = MemorySource(TestData.recommender())
        source.file("golden.json", source.text("golden.json").replace("\"onnx\"", "\"other\"").toByteArray())
        val test = Recommender.open(source, TestData.onnx).use { it.selfTest() }
        val detail = "golden.json has no cases for onnx, which was not run at export"
        assertEquals(listOf(false, 0, 0.0, 0.0, detail), with(test) {
            listOf(passed, cases, maxAbsError, tolerance, this.detail)
        })
    }

    private fun open(bundle: File, engines: List<EngineFactory>): Session {
        val source = DirectorySource(bundle)
        return if (TestData.isRecommender(bundle)) Recommender.open(source, engines)
        else Classifier.open(source, engines)
    }

    @Test
    fun differencesOfValuesAreRelativeToTheirSizes() {
        val found = floatArrayOf(-1e6f, 1.75f)
        val expected = doubleArrayOf(-1.00001e6, 1.5)
        assertEquals(10.0, largestDifference(found, expected), 1e-6)
        assertEquals(0.125, largestDifference(found, expected, doubleArrayOf(2e6, 2.0)), 1e-9)
    }
}
