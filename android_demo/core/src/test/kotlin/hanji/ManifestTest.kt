package hanji

import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** The core rejects exactly the manifests that the Python runtime rejects. */
class ManifestTest {
    @Test
    fun validationEqualsPythons() {
        var rejected = 0
        val cases = (TestData.pythonResults("manifests") as List<*>).map { Table(it, "case") }
        for (case in cases) {
            val text = case.longText("text")
            val error = try {
                parseManifest(text.toByteArray(), "manifest.json")
                null
            } catch (error: HanjiException) {
                error
            }
            val expected = if (case.isNull("error")) null else case.text("error")
            val found = error?.javaClass?.simpleName?.replace("Exception", "Error")
            assertEquals("${error?.message} of $text", expected, found)
            if (found != null) rejected++
        }
        println("manifests validated like in Python: ${cases.size}, $rejected of them rejected")
        assertTrue(rejected in 1 until cases.size)
    }

    @Test
    fun fieldsAreParsed() {
        val bundle = TestData.bundles().getValue("digits")
        val manifest = parseManifest(bundle.resolve("manifest.json").readBytes(), "manifest.json")
        manifest as ClassifierManifest
        assertEquals("image-classification", manifest.task)
        assertEquals(listOf("tflite", "onnx", "tfjs").toSet(), manifest.artifacts.map { it.format }.toSet())
        assertEquals(10L, manifest.trainingData.counts.getValue("classes"))
        assertEquals(listOf("quantize"), manifest.recipe.steps)
        assertEquals(64, manifest.imageInput.bytes)
        assertTrue(manifest.metrics.compressed.getValue("top1") in 0.0..1.0)
    }
}
