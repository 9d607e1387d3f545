package hanji

/** A picture and the bytes that it becomes. */
internal class Preparation(val source: Pixels, val prepared: ByteArray)

/** A prepared picture and its probabilities, [classes]. */
internal class PictureCase(val image: ByteArray, val probabilities: DoubleArray)

/** A classifier's golden.json: what pictures become, and the answers by artifact format. */
internal class PictureGolden(
    val preparation: List<Preparation>,
    val artifacts: Map<String, GoldenArtifact<PictureCase>>,
)

/** The golden pictures in [content]; BundleException naming the field if it is malformed. */
internal fun parsePictureGolden(
    content: ByteArray,
    picture: PictureInput,
    classes: Int,
    where: String,
): PictureGolden {
    val table = Table.parse(content, where)
    table.choice("task", CLASSIFICATION)
    val preparation = table.tables("preparation").map { entry ->
        Preparation(source(entry.table("source")), prepared(entry, "prepared", picture))
    }
    return PictureGolden(preparation, goldenArtifacts(table) { pictureCase(it, picture, classes) })
}

/**
 * Prepares every source, which must give the very bytes, and compares the [answer] of every case.
 *
 * [answer] gives probabilities of a prepared picture, uint8 [height · width · channels].
 */
internal fun replayPictures(
    preparation: List<Preparation>,
    expected: GoldenArtifact<PictureCase>,
    picture: PictureInput,
    answer: (ByteArray) -> FloatArray,
): SelfTest {
    val problems = ArrayList<String>()
    preparation.forEachIndexed { number, (source, prepared) ->
        if (!prepare(source, picture).contentEquals(prepared)) {
            val size = "${source.width} × ${source.height}"
            problems.add("picture $number, of $size, is prepared otherwise than at export")
        }
    }
    var largest = 0.0
    expected.cases.forEachIndexed { number, case ->
        val error = largestDifference(answer(case.image), case.probabilities)
        largest = maxOf(largest, error)
        val problem = "picture $number: a probability differs by ${short(error)}"
        if (error > expected.tolerance) problems.add(problem)
    }
    val what = "${preparation.size} preparations, ${expected.cases.size} pictures"
    return outcome(what, expected, largest, problems)
}

private operator fun Preparation.component1() = source
private operator fun Preparation.component2() = prepared

private fun source(table: Table): Pixels {
    val height = table.integer("height", 1, LARGEST_SIDE).toInt()
    val width = table.integer("width", 1, LARGEST_SIDE).toInt()
    val channels = table.integer("channels", 1, 4).toInt()
    if (channels == 2) table.fail("channels", "1, 3 or 4")
    return Pixels(bytes(table, "pixels", height, width, channels), width, height, channels)
}

private fun pictureCase(table: Table, picture: PictureInput, classes: Int): PictureCase {
    table.integer("label", 0, classes - 1L)
    val probabilities = table.numbers("probabilities")
    if (probabilities.size != classes) table.fail("probabilities", "$classes finite numbers, one per class")
    return PictureCase(prepared(table, "image", picture), probabilities)
}

private fun prepared(table: Table, key: String, picture: PictureInput): ByteArray =
    bytes(table, key, picture.height, picture.width, picture.channels)

private fun bytes(table: Table, key: String, height: Int, width: Int, channels: Int): ByteArray {
    val content = fromBase64(table.longText(key))
    if (content != null && content.size == height * width * channels) return content
    table.fail(key, "base64 of $height × $width × $channels bytes")
}
