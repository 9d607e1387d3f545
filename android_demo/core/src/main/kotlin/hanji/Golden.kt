package hanji

/** The contribution of each item of a case's history to the score of [item], [n]. */
internal class GoldenWhy(val item: Any, val shares: DoubleArray)

/**
 * The expected top k of one user or history, and the scores ([n]) of [items], which begin with the top k.
 *
 * Exactly one of [user] and [history] is not null.
 */
internal class GoldenCase(
    val user: Any?,
    val history: List<Any>?,
    val top: List<Any>,
    val items: List<Any>,
    val scores: DoubleArray,
    val why: GoldenWhy?,
) {
    override fun toString(): String =
        if (history == null) "user $user" else "history of ${history.size} items starting with ${history[0]}"
}

/** The cases of one artifact recorded at export, and the tolerance of their scores. */
internal class GoldenArtifact<T>(val tolerance: Double, val cases: List<T>)

/** golden.json of a recommender: cases by artifact format, for the artifacts that ran at export. */
internal class Golden(val k: Int, val artifacts: Map<String, GoldenArtifact<GoldenCase>>)

/** Parses golden.json; BundleException naming the field if it is malformed. */
internal fun parseGolden(content: ByteArray, where: String): Golden {
    val table = Table.parse(content, where)
    val k = table.count("k")
    return Golden(k, goldenArtifacts(table) { goldenCase(it, k) })
}

/** Parses `artifacts` of golden.json; [makeCase] parses a case. */
internal fun <T> goldenArtifacts(table: Table, makeCase: (Table) -> T): Map<String, GoldenArtifact<T>> =
    table.namedTables("artifacts") { _, entry ->
        val cases = entry.tables("cases", 1).map(makeCase)
        GoldenArtifact(entry.magnitude("tolerance"), cases)
    }

/** The result of the self-test of an artifact that did not run at export. */
internal fun notRun(path: String, artifact: Artifact): SelfTest =
    SelfTest(false, 0, 0.0, 0.0, "$path has no cases for ${artifact.format}, which was not run at export")

/**
 * Compares [scores] ([items]) of each case, and [shares] of the cases with a `why`.
 *
 * Passes if every score and share is within the tolerance and each item of the top k is in the expected top k
 * or has a score within twice the tolerance of the expected k-th score.
 */
internal fun replay(
    expected: GoldenArtifact<GoldenCase>,
    k: Int,
    items: Ids,
    scores: (GoldenCase) -> FloatArray,
    shares: (GoldenCase, GoldenWhy) -> FloatArray,
): SelfTest {
    var largest = 0.0
    val problems = ArrayList<String>()
    for (case in expected.cases) {
        // Unknown ids must not be skipped here, regardless of the manifest.
        case.history?.forEach { items.knownIndexOf(it) }
        val found = scores(case)
        val scoreError = largestDifference(scoresOf(case.items, found, items), case.scores)
        val shareError = case.why?.let { largestDifference(shares(case, it), it.shares) } ?: 0.0
        largest = maxOf(largest, scoreError, shareError)
        val unexpected = unexpectedItems(case, found, k, items, 2 * expected.tolerance)
        val problem = when {
            scoreError > expected.tolerance -> "a score differs by ${formatNumber(scoreError)}"
            shareError > expected.tolerance -> "a share differs by ${formatNumber(shareError)}"
            unexpected.isNotEmpty() -> "unexpected items in the top $k: ${unexpected.joinToString()}"
            else -> continue
        }
        problems.add("$case: $problem")
    }
    val what = if (expected.cases[0].history == null) "users" else "histories"
    return outcome("${expected.cases.size} $what", expected, largest, problems)
}

/** The result of a replay. */
internal fun outcome(
    what: String,
    expected: GoldenArtifact<*>,
    largest: Double,
    problems: List<String>,
): SelfTest {
    val tolerance = formatNumber(expected.tolerance)
    val detail = "$what, largest difference ${formatNumber(largest)} (tolerance $tolerance)"
    val failed = if (problems.isEmpty()) "" else "; ${problems.size} failed, first: ${problems[0]}"
    return SelfTest(problems.isEmpty(), expected.cases.size, largest, expected.tolerance, detail + failed)
}

/** The largest absolute difference of two arrays of equal length. */
internal fun largestDifference(found: FloatArray, expected: DoubleArray, sizes: DoubleArray? = null): Double {
    var largest = 0.0
    for (index in expected.indices) {
        val difference = Math.abs((found[index] - expected[index]) / (sizes?.get(index) ?: 1.0))
        largest = maxOf(largest, difference)
    }
    return largest
}

private fun scoresOf(itemIds: List<Any>, scores: FloatArray, items: Ids) =
    FloatArray(itemIds.size) { scores[items.knownIndexOf(itemIds[it])] }

/** Items of the computed top k that are not in the expected one and not close to its last score. */
private fun unexpectedItems(
    case: GoldenCase,
    found: FloatArray,
    k: Int,
    items: Ids,
    margin: Double,
): List<Any> {
    val expected = case.top.map { items.knownIndexOf(it) }.toSet()
    val last = case.scores[k - 1]
    val values = DoubleArray(found.size) { found[it].toDouble() }
    return topK(values, minOf(k, values.size))
        .filter { it !in expected && Math.abs(values[it] - last) > margin }
        .map { items.values[it] }
}

private fun goldenCase(table: Table, k: Int): GoldenCase {
    val user = if ("user" in table || "history" !in table) table.id("user") else null
    val history = if ("history" in table) table.ids("history") else null
    if (user != null && history != null) table.fail("history", "either a user or a history, not both")
    val top = table.ids("top")
    val items = table.ids("items")
    val scores = table.numbers("scores")
    if (top.size != k || items.size < k || items.subList(0, k) != top) {
        table.fail("items", "the $k ids of 'top' first ('k' is $k)")
    }
    if (scores.size != items.size) table.fail("scores", "${items.size} scores, one per entry of 'items'")
    val why = if ("why" in table) goldenWhy(table, history.orEmpty().size) else null
    return GoldenCase(user, history, top, items, scores, why)
}

private fun goldenWhy(table: Table, length: Int): GoldenWhy {
    if (length == 0) table.fail("why", "no 'why' without a history")
    val entry = table.table("why")
    val shares = entry.numbers("shares")
    if (shares.size != length) entry.fail("shares", "$length shares, one per entry of 'history'")
    return GoldenWhy(entry.id("item"), shares)
}
