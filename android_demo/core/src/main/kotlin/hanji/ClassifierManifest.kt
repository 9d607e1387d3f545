package hanji

/**
 * The manifest of a classifier; BundleException naming what is not as the schema says, or contradicts
 * itself.
 */
internal fun classifierManifest(table: Table): ClassifierManifest {
    val labels = table.table("labels")
    val common = commonFields(table, CLASSIFICATION, "top1_agreement") { artifact, names ->
        if ("classify" !in names) artifact.fail("signatures", "a signature 'classify'")
    }
    val data = table.table("training_data")
    val counts = mapOf(
        "pictures" to data.integer("pictures", 0, LARGEST_COUNT),
        "classes" to data.integer("classes", 1, LARGEST_COUNT),
    )
    val probabilities = table.table("probabilities")
    val manifest = ClassifierManifest(
        common,
        trainingData(data, counts),
        LabelTable(labels.path("path"), labels.count("count")),
        pictureInput(table.table("picture")),
        Probabilities(
            probabilities.choice("source", "graph", "softmax", "none"), probabilities.positive("temperature")
        ),
    )
    val fail = inconsistency(table.where)
    manifest.artifacts.forEachIndexed { index, artifact ->
        val place = "artifacts[$index].signatures.classify"
        val signature = artifact.signature("classify")
        checkInputs(signature.inputs, manifest.picture, "$place.inputs", fail)
        checkOutput(signature.outputs[0], manifest.labels.count, "$place.outputs[0]", fail)
    }
    checkFormatsAndPaths(manifest, mapOf("labels.path" to manifest.labels.path), fail)
    return manifest
}

private fun checkInputs(
    tensors: List<TensorInfo>,
    picture: PictureInput,
    place: String,
    fail: (String) -> Nothing,
) {
    if (tensors.size != 1) fail("$place: expected one input, found ${tensors.size}")
    val tensor = tensors[0]
    val sizes = listOf(picture.height, picture.width, picture.channels)
    if (!isOne(tensor.shape, sizes)) {
        fail("$place[0].shape: expected ${listOf(1) + sizes} as 'picture' says, found ${tensor.shape}")
    }
    if (picture.normalizedBy == "runtime") {
        checkNumbers(tensor, "$place[0]", fail)
    } else if (tensor.dtype !in LEVEL_DTYPES) {
        fail("$place[0].dtype: expected one of ${LEVEL_DTYPES.joinToString()}, found ${tensor.dtype}")
    }
}

private fun checkOutput(tensor: TensorInfo, classes: Int, place: String, fail: (String) -> Nothing) {
    if (!isOne(tensor.shape, listOf(classes))) {
        fail("$place.shape: expected [1, $classes] (labels.count), found ${tensor.shape}")
    }
    checkNumbers(tensor, place, fail)
}

/** Whether a shape is that of one thing of these [sizes], or of any number of them. */
private fun isOne(shape: List<Int?>, sizes: List<Int>): Boolean =
    shape == listOf(1) + sizes || shape == listOf(null) + sizes

private fun checkNumbers(tensor: TensorInfo, place: String, fail: (String) -> Nothing) {
    if (tensor.dtype !in NUMBER_DTYPES) {
        fail("$place.dtype: expected one of ${NUMBER_DTYPES.joinToString()}, found ${tensor.dtype}")
    }
    if (tensor.dtype != "float32" && (tensor.scale == null || tensor.zeroPoint == null)) {
        fail("$place: expected a scale and a zero_point beside the dtype ${tensor.dtype}, found null")
    }
}

private fun pictureInput(table: Table): PictureInput {
    val channels = table.integer("channels", 1, 3).toInt()
    if (channels == 2) table.fail("channels", "1 (grey) or 3 (red, green, blue)")
    table.choice("resize", "bilinear")
    val std = perChannel(table, "std", channels)
    if (std.any { it <= 0 }) table.fail("std", "numbers above 0")
    return PictureInput(
        height = table.integer("height", 1, LARGEST_SIDE).toInt(),
        width = table.integer("width", 1, LARGEST_SIDE).toInt(),
        channels = channels,
        fit = table.choice("fit", "crop", "stretch", "pad"),
        mean = perChannel(table, "mean", channels),
        std = std,
        normalizedBy = table.choice("normalized_by", "graph", "runtime"),
        background = background(table),
    )
}

private fun perChannel(table: Table, key: String, count: Int): List<Double> {
    val numbers = table.array(key).mapNotNull(::asNumber)
    if (numbers.size == count && table.array(key).size == count) return numbers
    table.fail(key, "$count finite number(s), one per channel")
}

private fun background(table: Table): List<Int> {
    val levels = table.array("background").map { asInteger(it)?.takeIf { level -> level in 0..255 }?.toInt() }
    if (levels.size == 3 && null !in levels) return levels.filterNotNull()
    table.fail("background", "three integers of 0 to 255: red, green, blue")
}

internal const val LARGEST_SIDE = 4096L
private val LEVEL_DTYPES = listOf("uint8", "int32", "float32")
private val NUMBER_DTYPES = listOf("float32", "uint8", "int8")
