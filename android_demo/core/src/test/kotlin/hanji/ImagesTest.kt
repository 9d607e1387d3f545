package hanji

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

/** Images are prepared byte for byte like in Python. */
class ImagesTest {
    @Test
    fun preparedImagesEqualPythons() {
        var compared = 0
        for (case in (TestData.pythonResults("pictures") as List<*>).map { Table(it, "case") }) {
            val expectedInput = case.table("picture")
            val found = prepare(pixels(case.table("source")), imageInput(expectedInput))
            assertArrayEquals(fromBase64(case.longText("prepared")), found)
            compared++
        }
        println("images prepared like in Python: $compared")
    }

    @Test
    fun invalidPixelDataIsRejected() {
        expect<ImageException>("found 2") { Pixels(ByteArray(8), 2, 2, 2) }
        expect<ImageException>("expected 12 bytes for 2 × 2 × 3, found 8") { Pixels(ByteArray(8), 2, 2, 3) }
        expect<ImageException>("at least one pixel") { Pixels(ByteArray(0), 0, 2, 1) }
        expect<ImageException>("bytes for 2147483647") {
            Pixels(ByteArray(0), Int.MAX_VALUE, Int.MAX_VALUE, 4)
        }
    }

    @Test
    fun anOversizedIntermediateImageIsRejected() {
        val narrow = Pixels(ByteArray(600_000), 1, 600_000, 1)
        expect<ImageException>("crop or shrink the image") { resized(narrow, 4096, 4096) }
    }

    @Test
    fun pixelValuesAreConvertedToModelInputs() {
        val values = byteArrayOf(0, 100, -1, 0, 100, -1) // two pixels of 0, 100, 255
        val runtime = imageInput("runtime", listOf(0.0, 100.0, 255.0), listOf(1.0, 50.0, 10.0))
        val floats = TensorInfo("x", "float32", listOf(1, 1, 2, 3), null, null)
        val float = ImageTensor(runtime, floats).of(values)
        assertArrayEquals(floatArrayOf(0f, 0f, 0f, 0f, 0f, 0f), float.data as FloatArray, 0f)
        val int8 = ImageTensor(runtime, TensorInfo("x", "int8", listOf(1, 1, 2, 3), 0.5, -3))
        assertArrayEquals(
            byteArrayOf(-3, 1, -54), (int8.of(byteArrayOf(0, -56, 0)).data as ByteArray).copyOf(3)
        )
        val graph = imageInput("graph", listOf(0.0, 0.0, 0.0), listOf(1.0, 1.0, 1.0))
        val ints = ImageTensor(graph, TensorInfo("x", "int32", listOf(1, 1, 2, 3), null, null)).of(values)
        assertArrayEquals(intArrayOf(0, 100, 255, 0, 100, 255), ints.data as IntArray)
    }

    @Test
    fun outputsAreConvertedToProbabilities() {
        val bytes = Tensor("uint8", intArrayOf(1, 2), byteArrayOf(-1, 3))
        val info = TensorInfo("y", "uint8", listOf(1, 2), 0.5, 3)
        assertArrayEquals(floatArrayOf(126f, 0f), dequantized(bytes, info), 0f)
        val logits = floatArrayOf(1000f, 1000f, Float.NEGATIVE_INFINITY)
        assertArrayEquals(
            floatArrayOf(.5f, .5f, 0f), probabilitiesOf(logits, Probabilities("softmax", 2.0)), 0f
        )
        expect<EngineException>("expected float32") {
            val float32 = TensorInfo("y", "float32", listOf(1), null, null)
            dequantized(Tensor("int32", intArrayOf(1), intArrayOf(1)), float32)
        }
    }

    @Test
    fun base64IsDecodedStrictly() {
        assertArrayEquals("hanji".toByteArray(), fromBase64("aGFuamk="))
        assertArrayEquals("hanj".toByteArray(), fromBase64("aGFuag=="))
        assertEquals(0, fromBase64("")!!.size)
        val invalid = listOf("a", "aGF", "aG=uamk=", "aGFu\n", "====", "aGF-", "a===")
        for (text in invalid) assertNull(fromBase64(text))
    }

    private fun imageInput(normalizedBy: String, mean: List<Double>, std: List<Double>) =
        ImageInput(1, 2, 3, "crop", mean, std, normalizedBy, listOf(255, 255, 255))

    private fun imageInput(table: Table) = ImageInput(
        height = table.count("height"),
        width = table.count("width"),
        channels = table.count("channels"),
        fit = table.text("fit"),
        mean = table.numbers("mean").toList(),
        std = table.numbers("std").toList(),
        normalizedBy = table.text("normalized_by"),
        background = table.numbers("background").map { it.toInt() },
    )
}
