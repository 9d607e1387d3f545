package hanji

internal const val SCHEMA_VERSION = 1L

/** Of a classifier with an `output`, which earlier readers would take for the classes of one label. */
internal const val OUTPUT_SCHEMA_VERSION = 2L
internal const val RECOMMENDATION = "recommendation"
internal const val CLASSIFICATION = "image-classification"

/**
 * Parses the manifest in [content] (UTF-8 JSON). Unknown fields are ignored.
 *
 * SchemaVersionException for an unsupported `schema_version`; BundleException naming the field if the
 * manifest violates the schema or is inconsistent.
 */
internal fun parseManifest(content: ByteArray, where: String): Manifest {
    val table = Table.parse(content, where)
    val version = table.integer("schema_version", 1, MAX_INTEGER)
    if (version > OUTPUT_SCHEMA_VERSION) {
        throw SchemaVersionException(
            "$where: schema_version: this app reads versions $SCHEMA_VERSION and $OUTPUT_SCHEMA_VERSION, " +
                "found $version; update the app, or export the bundle with the hanji version of the app"
        )
    }
    return if (table.choice("task", RECOMMENDATION, CLASSIFICATION) == RECOMMENDATION) {
        recommenderManifest(table)
    } else {
        classifierManifest(table, version)
    }
}

/** The fields of all manifests, without the training data. */
class CommonFields internal constructor(
    val name: String,
    val task: String,
    val model: ModelSummary,
    val artifacts: List<Artifact>,
    val files: List<FileEntry>,
    val preprocessing: Map<String, String>,
    val golden: String,
    val recipe: RecipeSummary,
    val metrics: Metrics,
    val seed: Long,
    val versions: Map<String, String>,
)

/** Parses the common fields; [checkSignatures] and the parity field [agreement] depend on the task. */
internal fun commonFields(
    table: Table,
    task: String,
    agreement: String,
    checkSignatures: (Table, Set<String>) -> Unit,
): CommonFields {
    val model = table.table("model")
    val latestItems = if ("latest_items" in model) model.count("latest_items") else null
    return CommonFields(
        name = table.text("name"),
        task = task,
        model = ModelSummary(
            model.text("type"),
            model.count("parameters"),
            model.count("full_parameters"),
            latestItems,
        ),
        artifacts = table.tables("artifacts", 1).map { artifact(it, agreement, checkSignatures) },
        files = files(table),
        preprocessing = table.namedTexts("preprocessing"),
        golden = table.path("golden"),
        recipe = recipe(table.table("recipe")),
        metrics = metrics(table.table("metrics")),
        seed = table.integer("seed", 0, MAX_INTEGER),
        versions = table.namedTexts("versions"),
    )
}

/**
 * Consistency checks beyond the JSON Schema; [named] maps manifest fields to paths of the bundle's own files.
 */
internal fun checkFormatsAndPaths(manifest: Manifest, named: Map<String, String>, fail: (String) -> Nothing) {
    val formats = manifest.artifacts.map { it.format }
    if (formats.toSet().size != formats.size) {
        fail("artifacts: expected one artifact per format, found ${formats.joinToString()}")
    }
    manifest.artifacts.forEachIndexed { index, artifact ->
        for ((name, signature) in artifact.signatures) {
            if (artifact.files.any { it.path == signature.path }) continue
            val field = "artifacts[$index].signatures.$name.path"
            fail("$field: ${quoted(signature.path)} is not among the artifact's files")
        }
    }
    val listed = HashSet<String>()
    for (file in manifest.files + manifest.artifacts.flatMap { it.files }) {
        // The same file on case-insensitive file systems.
        if (!listed.add(file.path.lowercase())) fail("the path ${quoted(file.path)} is listed twice")
    }
    for ((field, path) in named + ("golden" to manifest.golden)) {
        val isListed = manifest.files.any { it.path == path }
        if (!isListed) fail("$field: ${quoted(path)} is not among the bundle's files")
    }
}

/** The function that reports an inconsistency. */
internal fun inconsistency(where: String): (String) -> Nothing =
    { problem -> throw BundleException("$where: $problem; $EXPORT_AGAIN") }

/** Parses `training_data`; the [counts] depend on the task. */
internal fun trainingData(table: Table, counts: Map<String, Long>): TrainingData {
    table.table("config")
    if ("content" in table) table.sha256("content")
    return TrainingData(
        table.text("name"), table.text("format"), table.boolean("synthetic"), table.text("licence", 0), counts
    )
}

private fun files(table: Table): List<FileEntry> = table.tables("files", 1).map {
    FileEntry(it.path("path"), it.count("bytes"), it.sha256("sha256"))
}

private fun artifact(
    table: Table,
    agreement: String,
    checkSignatures: (Table, Set<String>) -> Unit,
): Artifact {
    val signatures = table.namedTables("signatures") { name, entry -> signature(name, entry) }
    checkSignatures(table, signatures.keys)
    return Artifact(
        format = table.text("format"),
        precision = table.text("precision"),
        files = files(table),
        engines = table.tables("engines", 1).map { EngineRequirement(it.text("name"), version(it)) },
        signatures = signatures,
        parity = parity(table.table("parity"), agreement),
    )
}

/** A version of one to four numbers with one to nine digits each, separated by dots. */
private fun version(table: Table): String {
    val version = table.text("oldest_version")
    val numbers = parts(version, '.')
    val isNumber = { text: String -> text.length in 1..9 && text.all { it in '0'..'9' } }
    val valid = numbers.size <= 4 && numbers.all(isNumber)
    return if (valid) version else table.fail("oldest_version", "a version such as '1.17.0'")
}

private fun signature(name: String, table: Table) = Signature(
    name,
    table.path("path"),
    table.tables("inputs", 1).map(::tensor),
    table.tables("outputs", 1).map(::tensor),
)

private fun tensor(table: Table): TensorInfo {
    val shape = table.array("shape").map { size ->
        val known = if (size == null) 1 else asInteger(size) ?: 0
        if (known !in 1..MAX_COUNT) table.fail("shape", "sizes from 1 to $MAX_COUNT, or null")
        if (size == null) null else known.toInt()
    }
    val zeroPoint = "zero_point"
    return TensorInfo(
        table.text("name"),
        table.choice("dtype", "float32", "float16", "int8", "uint8", "int16", "int32", "int64"),
        shape,
        if (table.isNull("scale")) null else table.positive("scale"),
        if (table.isNull(zeroPoint)) null else table.integer(zeroPoint, INT_MIN, MAX_COUNT).toInt(),
    )
}

private fun parity(table: Table, agreement: String): Parity {
    if (!table.boolean("checked")) return Parity(false, table.text("reason"))
    return Parity(
        checked = true,
        engine = table.text("engine"),
        maxAbsError = table.magnitude("max_abs_error"),
        scoreTolerance = table.magnitude("score_tolerance"),
        agreement = table.magnitude(agreement, 1.0),
        minimumAgreement = table.magnitude("minimum_$agreement", 1.0),
    )
}

private fun recipe(table: Table) =
    RecipeSummary(table.text("name"), table.sha256("sha256"), table.tables("steps").map { it.text("type") })

private fun metrics(table: Table) =
    Metrics(table.text("protocol"), table.namedNumbers("full"), table.namedNumbers("compressed"))

private const val INT_MIN = Int.MIN_VALUE.toLong()
