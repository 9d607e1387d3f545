package hanji

/**
 * An open recommender. Make it with [open], close it when it is not needed any more.
 *
 * A bundle takes either the id of a user it was trained on or the user's own history, item ids that stay on
 * the device: [takes] says which. [users] is null where it takes a history. Threads may share it.
 */
class Recommender private constructor(
    bundle: Bundle,
    val manifest: RecommenderManifest,
    artifact: Artifact,
    engine: Engine,
    val users: Ids?,
    val items: Items,
) : Session(bundle, artifact, engine) {

    /** What this bundle is asked with: "user" or "history". */
    val takes: String get() = manifest.takes

    /**
     * The [k] best items for a [user], or for who has met the items of [history] (own item ids, oldest
     * first; a repeat counts once, where it came last): see [takes].
     *
     * [excludeSeen] leaves the history out of the answer, [exclude] more. [filter] is asked about one item
     * after another, from the best score downwards until [k] pass. [diversity] in [0, 1) spreads the genres
     * by maximal marginal relevance over the 10·k best; ranks then follow the choice, not the score.
     * [explain] gives each item at most so many reasons, at the price of one call of the model per item.
     *
     * An unknown user and unknown item ids get what the manifest says: a ranking by popularity or an
     * UnknownIdException; skipped and counted or an UnknownIdException. A history without a known item is
     * ranked by popularity. If fewer than [k] items may be shown, fewer come back and `note` says so.
     * RequestException for what cannot be had or the bundle does not take, EngineException where [explain]
     * is beyond its model.
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
        val question = question(user, history)
        if (explain != 0) checkExplain(explain)
        val excluded = knownItems(exclude, items.ids, manifest.items.unknown)
        val seen = if (excludeSeen) question.seen else IntArray(0)
        val wishes = Wishes(k, excluded.indices, seen, filter, diversity)
        wishes.check(items.size)
        val scores = if (question.inputs == null) {
            DoubleArray(items.size) { items.popularity[it].toDouble() }
        } else {
            val found = numbers(question.signature, question.inputs, items.size)
            DoubleArray(items.size) { found[it].toDouble() }
        }
        val best = ranking(scores, items, wishes)
        val isExplained = explain != 0 && question.seen.isNotEmpty()
        val rows = best.mapIndexed { place, index ->
            val why = if (isExplained) why(question.seen, index, explain) else emptyList()
            val item = items[index]
            Recommendation(place + 1, item.id, item.title, item.genres, scores[index], why)
        }
        val strangers = excluded.skipped
        val note = joined(question.note, skippedNote("excluded", strangers), shortageNote(best.size, wishes))
        val source = if (question.inputs == null) "popularity" else "model"
        return Recommendations(rows, source, note, question.skipped + strangers)
    }

    /**
     * The [k] items of [history] that speak most for [item], strongest first, as the model has it.
     *
     * Fewer if fewer raised the score of [item], which may be any item, also one of the history.
     * RequestException if the history holds no known item, EngineException if the model cannot say,
     * UnknownIdException for [item].
     */
    fun why(history: List<Any>, item: Any, k: Int = 3): List<Reason> {
        checkExplain(k)
        val question = answerable(null, history)
        return why(question.seen, items.ids.knownIndexOf(item), k)
    }

    /**
     * Scores of all items for [user] or [history], float32 [items], in the order of `items.ids`.
     *
     * UnknownIdException for an unknown user and RequestException for a history without a known item,
     * whatever the manifest says of them.
     */
    fun scores(user: Any? = null, history: List<Any>? = null): FloatArray {
        val question = answerable(user, history)
        return numbers(question.signature, question.inputs.orEmpty(), items.size)
    }

    override fun selfTest(): SelfTest {
        val golden = parseGolden(readFile(manifest.golden), manifest.golden)
        val expected = golden.artifacts[artifact.format] ?: return notRun(manifest.golden, artifact)
        val scores = { case: GoldenCase -> scores(case.user, case.history) }
        return replay(expected, golden.k, items.ids, scores) { case, why -> goldenShares(case, why) }
    }

    private fun question(user: Any?, history: List<Any>?): Question {
        val table = manifest.users
        if (users != null && table != null && user != null && history == null) {
            return userQuestion(user, users, table.unknown)
        }
        if (users == null && user == null && history != null) {
            return historyQuestion(history, items.ids, manifest.items.unknown)
        }
        throw wrongAsker(takes, user, history)
    }

    /** A question that the model itself can answer. */
    private fun answerable(user: Any?, history: List<Any>?): Question {
        val question = question(user, history)
        if (question.inputs != null) return question
        if (users != null && user != null) throw users.unknown(user)
        throw RequestException("history: expected at least one item id that this bundle knows, found none")
    }

    private fun checkExplain(count: Int) {
        if (count < 1) throw RequestException("reasons: expected 1 or more, found $count")
        if (users != null) {
            throw RequestException(
                "this bundle takes a user, not a history: there is nothing to explain a score by"
            )
        }
        checkSignature(artifact, "why")
    }

    private fun why(seen: IntArray, item: Int, k: Int): List<Reason> =
        reasons(shares(seen, item), seen, items, k)

    /** What each item of a history brought to the score of [item] (indices), float32 [n]. */
    private fun shares(seen: IntArray, item: Int): FloatArray =
        numbers("why", mapOf("history" to Tensor.of(*seen), "item" to Tensor.of(item)), seen.size)

    private fun numbers(signature: String, inputs: Map<String, Tensor>, count: Int): FloatArray {
        val output = run(signature, inputs)
        checkShape(output, count)
        return finite(output.floats("signature '$signature'"), signature)
    }

    private fun goldenShares(case: GoldenCase, why: GoldenWhy): FloatArray {
        checkExplain(1)
        val history = case.history.orEmpty()
        val seen = IntArray(history.size) { items.ids.knownIndexOf(history[it]) }
        return shares(seen, items.ids.knownIndexOf(why.item))
    }

    companion object {
        /**
         * Verifies the bundle in [source] and loads its model into the first of [engines] that can run it.
         *
         * Reads files and may take a second: not for an app's main thread. BundleException for a bundle
         * that is missing, damaged, no recommender's, or made for a newer reader; EngineException if no
         * engine can run it.
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
