package hanji

/** A source image and the expected result of its preparation. */
internal class Preparation(val source: Pixels, val prepared: ByteArray)

/** A prepared image and the expected probabilities, [classes]; [sizes] of values divide differences. */
internal class ImageCase(val image: ByteArray, val probabilities: DoubleArray, val sizes: DoubleArray?)

/** golden.json of a classifier: preparations, and recorded outputs by artifact format. */
internal class ImageGolden(
    val preparation: List<Preparation>,
    val artifacts: Map<String, GoldenArtifact<ImageCase>>,
)

/** Parses golden.json of a classifier; BundleException naming the field if it is malformed. */
internal fun parseImageGolden(
    content: ByteArray,
    imageInput: ImageInput,
    classes: Int,
    where: String,
): ImageGolden {
    val table = Table.parse(content, where)
    table.choice("task", CLASSIFICATION)
    val preparation = table.tables("preparation").map { entry ->
        Preparation(source(entry.table("source")), prepared(entry, "prepared", imageInput))
    }
    return ImageGolden(preparation, goldenArtifacts(table) { imageCase(it, imageInput, classes) })
}

/**
 * Prepares every source image, which must match byte for byte, and compares the output of [classify] for
 * every case.
 *
 * [classify] returns the probabilities of a prepared image, uint8 [height · width · channels].
 */
internal fun replayImages(
    preparation: List<Preparation>,
    expected: GoldenArtifact<ImageCase>,
    imageInput: ImageInput,
    classify: (ByteArray) -> FloatArray,
): SelfTest {
    val problems = ArrayList<String>()
    preparation.forEachIndexed { number, (source, prepared) ->
        if (!prepare(source, imageInput).contentEquals(prepared)) {
            val size = "${source.width} × ${source.height}"
            problems.add("image $number ($size) is preprocessed differently than at export")
        }
    }
    var largest = 0.0
    expected.cases.forEachIndexed { number, case ->
        val error = largestDifference(classify(case.image), case.probabilities, case.sizes)
        largest = maxOf(largest, error)
        val problem = "image $number: a probability differs by ${formatNumber(error)}"
        if (!(error <= expected.tolerance)) problems.add(problem)
    }
    val what = "${preparation.size} preprocessing cases, ${expected.cases.size} images"
    return outcome(what, expected, largest, problems)
}

private operator fun Preparation.component1() = source
private operator fun Preparation.component2() = prepared

private fun source(table: Table): Pixels {
    val height = table.integer("height", 1, MAX_SIDE).toInt()
    val width = table.integer("width", 1, MAX_SIDE).toInt()
    val channels = table.integer("channels", 1, 4).toInt()
    if (channels == 2) table.fail("channels", "1, 3 or 4")
    return Pixels(bytes(table, "pixels", height, width, channels), width, height, channels)
}

private fun imageCase(table: Table, imageInput: ImageInput, classes: Int): ImageCase {
    table.integer("label", 0, classes - 1L)
    val sizes = if ("sizes" in table) perClass(table, "sizes", classes) else null
    return ImageCase(prepared(table, "image", imageInput), perClass(table, "probabilities", classes), sizes)
}

private fun perClass(table: Table, key: String, classes: Int): DoubleArray {
    val numbers = table.numbers(key)
    if (numbers.size != classes) table.fail(key, "$classes finite numbers, one per class")
    return numbers
}

private fun prepared(table: Table, key: String, imageInput: ImageInput): ByteArray =
    bytes(table, key, imageInput.height, imageInput.width, imageInput.channels)

private fun bytes(table: Table, key: String, height: Int, width: Int, channels: Int): ByteArray {
    val content = fromBase64(table.longText(key))
    if (content != null && content.size == height * width * channels) return content
    table.fail(key, "base64 of $height × $width × $channels bytes")
}
