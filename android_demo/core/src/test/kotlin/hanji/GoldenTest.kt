package hanji

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

/** Every bundle reproduces its golden outputs with ONNX Runtime on the JVM. */
class GoldenTest {
    @Test
    fun everyBundlePassesItsSelfTest() {
        for ((name, bundle) in TestData.bundles()) {
            val test = open(bundle.path).use { it.selfTest() }
            println("$name: ${test.detail}")
            assertTrue("$name: ${test.detail}", test.passed)
            assertTrue(test.cases > 0)
        }
    }

    @Test
    fun everyTopTenEqualsPythons() {
        var compared = 0
        for ((name, bundle) in TestData.recommenders()) {
            Recommender.open(DirectorySource(bundle), TestData.onnx).use { recommender ->
                val golden = parseGolden(recommender.readFile("golden.json"), "golden.json")
                val expected = golden.artifacts.getValue("onnx")
                for (case in expected.cases) {
                    val found = recommender.recommend(case.user, case.history, golden.k, excludeSeen = false)
                    assertEquals("$name: $case", case.top, found.items.map { it.item })
                    val scores = DoubleArray(golden.k) { case.scores[it] }
                    assertArrayEquals(
                        scores, found.items.map { it.score }.toDoubleArray(), expected.tolerance
                    )
                    compared++
                }
            }
        }
        println("top tens equal to Python's: $compared of $compared")
        assertTrue(compared >= 8)
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

    private fun open(path: String): Session {
        val source = DirectorySource(java.io.File(path))
        val isRecommender = TestData.isRecommender(java.io.File(path))
        return if (isRecommender) Recommender.open(source, TestData.onnx)
        else Classifier.open(source, TestData.onnx)
    }
}
