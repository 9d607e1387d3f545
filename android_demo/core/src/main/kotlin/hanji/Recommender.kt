package hanji

/**
 * An open recommender. Create it with [open], and close it when it is no longer needed.
 *
 * A bundle takes either the id of a user in its training data or a history of item ids, which stays on the
 * device; [takes] states which. [users] is null if it takes a history. Thread-safe.
 */
class Recommender private constructor(
    bundle: Bundle,
    val manifest: RecommenderManifest,
    artifact: Artifact,
    engine: Engine,
    val users: Ids?,
    val items: Items,
) : Session(bundle, artifact, engine) {

    /** The query that this bundle takes: "user" or "history". */
    val takes: String get() = manifest.takes

    /**
     * The [k] best items for a [user], or for a [history] of item ids (oldest first; duplicates count once,
     * at their last position), whichever the bundle takes (see [takes]).
     *
     * [excludeSeen] leaves out the items of the history, [exclude] further items. [filter] is called with
     * items in descending order of score until [k] pass. [diversity] in [0, 1) diversifies the genres by
     * maximal marginal relevance over the 10·k best items; ranks then follow the order of selection, not the
     * score. [explain] is the maximum number of reasons per item, and costs one model call per item.
     *
     * The manifest specifies how unknown ids are handled: an unknown user gets a ranking by popularity or an
     * UnknownIdException; unknown items are skipped and counted, or an UnknownIdException is thrown. A
     * history without a known item gets a ranking by popularity. If fewer than [k] items are eligible, fewer
     * are returned and `note` gives the reason. RequestException for arguments that are out of range or that
     * the bundle does not take; EngineException if the model does not support [explain].
     */
    fun recommend(
        user: Any? = null,
        history: List<Any>? = null,
        k: Int = 10,
        excludeSeen: Boolean = true,
        exclude: List<Any> = emptyList(),
        filter: ((Item) -> Boolean)? = null,
        diversity: Double = 0.0,
        explain: Int = 0,
    ): Recommendations {
        val query = query(user, history)
        if (explain != 0) checkExplain(explain)
        val excluded = knownItems(exclude, items.ids, manifest.items.unknown)
        val seen = if (excludeSeen) query.seen else IntArray(0)
        val options = RankingOptions(k, excluded.indices, seen, filter, diversity)
        options.check(items.size)
        val scores = if (query.inputs == null) {
            DoubleArray(items.size) { items.popularity[it].toDouble() }
        } else {
            val found = outputs(query.signature, query.inputs, items.size)
            DoubleArray(items.size) { found[it].toDouble() }
        }
        val best = ranking(scores, items, options)
        val isExplained = explain != 0 && query.seen.isNotEmpty()
        val rows = best.mapIndexed { position, index ->
            val why = if (isExplained) why(query.seen, index, explain) else emptyList()
            val item = items[index]
            Recommendation(position + 1, item.id, item.title, item.genres, scores[index], why)
        }
        val unknownCount = excluded.skipped
        val note = joined(query.note, skippedNote("excluded", unknownCount), shortageNote(best.size, options))
        val source = if (query.inputs == null) "popularity" else "model"
        return Recommendations(rows, source, note, query.skipped + unknownCount)
    }

    /**
     * The [k] items of [history] that contribute most to the score of [item], largest contribution first.
     *
     * Returns fewer if fewer items have a positive contribution. [item] may be any item, including one of the
     * history. RequestException if the history has no known item, EngineException if the model does not
     * support this, UnknownIdException if [item] is unknown.
     */
    fun why(history: List<Any>, item: Any, k: Int = 3): List<Reason> {
        checkExplain(k)
        val query = knownQuery(null, history)
        return why(query.seen, items.ids.knownIndexOf(item), k)
    }

    /**
     * Scores of all items for [user] or [history], float32 [items], in the order of `items.ids`.
     *
     * Regardless of the manifest, UnknownIdException for an unknown user and RequestException for a history
     * without a known item.
     */
    fun scores(user: Any? = null, history: List<Any>? = null): FloatArray {
        val query = knownQuery(user, history)
        return outputs(query.signature, query.inputs.orEmpty(), items.size)
    }

    override fun selfTest(): SelfTest {
        val golden = parseGolden(readFile(manifest.golden), manifest.golden)
        val expected = golden.artifacts[artifact.format] ?: return notRun(manifest.golden, artifact)
        val scores = { case: GoldenCase -> scores(case.user, case.history) }
        return replay(expected, golden.k, items.ids, scores) { case, why -> goldenShares(case, why) }
    }

    private fun query(user: Any?, history: List<Any>?): Query {
        val table = manifest.users
        if (users != null && table != null && user != null && history == null) {
            return userQuery(user, users, table.unknown)
        }
        if (users == null && user == null && history != null) {
            return historyQuery(history, items.ids, manifest.items.unknown)
        }
        throw wrongInput(takes, user, history)
    }

    /** A query that must be known to the model. */
    private fun knownQuery(user: Any?, history: List<Any>?): Query {
        val query = query(user, history)
        if (query.inputs != null) return query
        if (users != null && user != null) throw users.unknown(user)
        throw RequestException("history: expected at least one known item id, found none")
    }

    private fun checkExplain(count: Int) {
        if (count < 1) throw RequestException("reasons: expected 1 or more, found $count")
        if (users != null) {
            throw RequestException("this bundle takes a user, not a history, so scores cannot be explained")
        }
        checkSignature(artifact, "why")
    }

    private fun why(seen: IntArray, item: Int, k: Int): List<Reason> =
        reasons(contributions(seen, item), seen, items, k)

    /** The contribution of each item in [seen] to the score of [item] (all indices), float32 [n]. */
    private fun contributions(seen: IntArray, item: Int): FloatArray =
        outputs("why", mapOf("history" to Tensor.of(*seen), "item" to Tensor.of(item)), seen.size)

    private fun outputs(signature: String, inputs: Map<String, Tensor>, count: Int): FloatArray {
        val output = run(signature, inputs)
        checkShape(output, count)
        return finite(output.floats("signature '$signature'"), signature)
    }

    private fun goldenShares(case: GoldenCase, why: GoldenWhy): FloatArray {
        checkExplain(1)
        val history = case.history.orEmpty()
        val seen = IntArray(history.size) { items.ids.knownIndexOf(history[it]) }
        return contributions(seen, items.ids.knownIndexOf(why.item))
    }

    companion object {
        /**
         * Verifies the bundle in [source] and loads its model into the first of [engines] that can run it.
         *
         * Blocking and slow, so it must not be called on the main thread. BundleException if the bundle is
         * missing, damaged, for another task, or requires a newer reader; EngineException if no engine can
         * run it.
         */
        fun open(
            source: BundleSource,
            engines: List<EngineFactory>,
            options: EngineOptions = EngineOptions(),
        ): Recommender {
            val opening = Opening(source, options)
            val manifest = opening.bundle.manifest as? RecommenderManifest
                ?: throw opening.otherTask("Recommender", "Classifier")
            val choice = opening.choose(engines)
            val users = manifest.users?.let { parseUsers(opening.read(it.path), it.count, it.path) }
            val table = manifest.items
            val items = parseItems(opening.read(table.path), table.count, table.path)
            val engine = opening.engine(choice)
            return Recommender(opening.bundle, manifest, choice.artifact, engine, users, items)
        }
    }
}
