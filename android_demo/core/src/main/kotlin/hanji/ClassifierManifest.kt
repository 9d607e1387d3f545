package hanji

/**
 * Parses the manifest of a classifier; BundleException naming the field if it violates the schema or is
 * inconsistent. Only version 2 has an `output`.
 */
internal fun classifierManifest(table: Table, version: Long): ClassifierManifest {
    val labels = table.table("labels")
    val output = if (version == SCHEMA_VERSION) null else output(table.table("output"))
    val agreement = if (output == null) "top1_agreement" else "agreement"
    val common = commonFields(table, CLASSIFICATION, agreement) { artifact, names ->
        if ("classify" !in names) artifact.fail("signatures", "a signature 'classify'")
    }
    val data = table.table("training_data")
    val counts = mapOf(
        "pictures" to data.integer("pictures", 0, MAX_COUNT),
        "classes" to data.integer("classes", 1, MAX_COUNT),
    )
    val probabilities = table.table("probabilities")
    val manifest = ClassifierManifest(
        common,
        trainingData(data, counts),
        LabelTable(labels.path("path"), labels.count("count")),
        imageInput(table.table("picture")),
        Probabilities(
            probabilities.choice("source", "graph", "softmax", "none"), probabilities.positive("temperature")
        ),
        output,
    )
    val fail = inconsistency(table.where)
    manifest.artifacts.forEachIndexed { index, artifact ->
        val where = "artifacts[$index].signatures.classify"
        val signature = artifact.signature("classify")
        checkInputs(signature.inputs, manifest.imageInput, "$where.inputs", fail)
        checkOutput(signature.outputs[0], manifest.labels.count, "$where.outputs[0]", fail)
    }
    if (output != null) checkMeaning(output, manifest, fail)
    checkFormatsAndPaths(manifest, mapOf("labels.path" to manifest.labels.path), fail)
    return manifest
}

private fun output(table: Table): Output {
    val kind = table.choice("kind", MULTI_LABEL, VALUES)
    if (kind == VALUES) return Output(kind, DoubleArray(0), table.texts("units"))
    val thresholds = table.numbers("thresholds", 0)
    if (thresholds.any { it !in 0.0..1.0 }) table.fail("thresholds", "numbers from 0 to 1")
    return Output(kind, thresholds, emptyList())
}

private fun checkMeaning(output: Output, manifest: ClassifierManifest, fail: (String) -> Nothing) {
    val isOfValues = output.kind == VALUES
    val key = if (isOfValues) "units" else "thresholds"
    val found = output.units.size + output.thresholds.size
    val count = manifest.labels.count
    if (found != count) fail("output.$key: expected $count (labels.count), found $found")
    val source = if (isOfValues) "none" else "graph"
    val actual = manifest.probabilities.source
    if (actual != source) fail("probabilities.source: expected $source for ${output.kind}, found $actual")
}

private fun checkInputs(
    tensors: List<TensorInfo>,
    imageInput: ImageInput,
    where: String,
    fail: (String) -> Nothing,
) {
    if (tensors.size != 1) fail("$where: expected one input, found ${tensors.size}")
    val tensor = tensors[0]
    val sizes = listOf(imageInput.height, imageInput.width, imageInput.channels)
    if (!isSingleOrBatch(tensor.shape, sizes)) {
        val expected = listOf(1) + sizes
        fail("$where[0].shape: expected $expected as specified by 'picture', found ${tensor.shape}")
    }
    if (imageInput.normalizedBy == "runtime") {
        checkRealTensor(tensor, "$where[0]", fail)
    } else if (tensor.dtype !in PIXEL_DTYPES) {
        fail("$where[0].dtype: expected one of ${PIXEL_DTYPES.joinToString()}, found ${tensor.dtype}")
    }
}

private fun checkOutput(tensor: TensorInfo, classes: Int, where: String, fail: (String) -> Nothing) {
    if (!isSingleOrBatch(tensor.shape, listOf(classes))) {
        fail("$where.shape: expected [1, $classes] (labels.count), found ${tensor.shape}")
    }
    checkRealTensor(tensor, where, fail)
}

/** Whether a shape is [sizes] with a leading batch dimension of 1 or any size. */
private fun isSingleOrBatch(shape: List<Int?>, sizes: List<Int>): Boolean =
    shape == listOf(1) + sizes || shape == listOf(null) + sizes

private fun checkRealTensor(tensor: TensorInfo, where: String, fail: (String) -> Nothing) {
    if (tensor.dtype !in REAL_DTYPES) {
        fail("$where.dtype: expected one of ${REAL_DTYPES.joinToString()}, found ${tensor.dtype}")
    }
    if (tensor.dtype != "float32" && (tensor.scale == null || tensor.zeroPoint == null)) {
        fail("$where: expected a scale and a zero_point for dtype ${tensor.dtype}, found null")
    }
}

private fun imageInput(table: Table): ImageInput {
    val channels = table.integer("channels", 1, 3).toInt()
    if (channels == 2) table.fail("channels", "1 (grayscale) or 3 (RGB)")
    table.choice("resize", "bilinear")
    val std = perChannel(table, "std", channels)
    if (std.any { it <= 0 }) table.fail("std", "numbers above 0")
    return ImageInput(
        height = table.integer("height", 1, MAX_SIDE).toInt(),
        width = table.integer("width", 1, MAX_SIDE).toInt(),
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
    val values = table.array("background").map { asInteger(it)?.takeIf { value -> value in 0..255 }?.toInt() }
    if (values.size == 3 && null !in values) return values.filterNotNull()
    table.fail("background", "three integers from 0 to 255 (RGB)")
}

internal const val MAX_SIDE = 4096L
internal const val VALUES = "values"
private const val MULTI_LABEL = "multi-label"
private val PIXEL_DTYPES = listOf("uint8", "int32", "float32")
private val REAL_DTYPES = listOf("float32", "uint8", "int8")
