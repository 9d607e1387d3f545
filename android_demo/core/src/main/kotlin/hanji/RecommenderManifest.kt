package hanji

/**
 * Parses the manifest of a recommender; BundleException naming the field if it violates the schema or is
 * inconsistent.
 */
internal fun recommenderManifest(table: Table): RecommenderManifest {
    val ids = table.table("ids")
    val common = commonFields(table, RECOMMENDATION, "top10_overlap") { artifact, names ->
        checkSignatures(artifact, names)
    }
    val data = table.table("training_data")
    val counts = mapOf(
        "users" to data.integer("users", 1, MAX_COUNT),
        "items" to data.integer("items", 1, MAX_COUNT),
        "interactions" to data.integer("interactions", 1, MAX_INTEGER),
    )
    val manifest = RecommenderManifest(
        common,
        trainingData(data, counts),
        users = if ("users" in ids) idTable(ids.table("users"), "popularity") else null,
        items = idTable(ids.table("items"), "skip"),
    )
    checkConsistency(manifest, inconsistency(table.where))
    return manifest
}

private fun checkConsistency(manifest: RecommenderManifest, fail: (String) -> Nothing) {
    manifest.artifacts.forEachIndexed { index, artifact ->
        val where = "artifacts[$index].signatures"
        val main = artifact.mainSignature
        if ((main == "catalogue") != (manifest.users != null)) {
            val found = "'$main' ${if (manifest.users == null) "without" else "with"} ids.users"
            fail("$where: expected ids.users if and only if there is a signature 'catalogue', found $found")
        }
        val shape = artifact.signature(main).outputs[0].shape
        val items = manifest.items.count
        if (shape != listOf(items)) {
            fail("$where.$main.outputs[0].shape: expected [$items] (ids.items.count), found $shape")
        }
    }
    val named = LinkedHashMap<String, String>()
    manifest.users?.let { named["ids.users.path"] = it.path }
    named["ids.items.path"] = manifest.items.path
    checkFormatsAndPaths(manifest, named, fail)
}

private fun checkSignatures(table: Table, names: Set<String>) {
    if (("catalogue" in names) == ("history" in names)) {
        table.fail("signatures", "a signature 'catalogue' or a signature 'history', not both")
    }
    for ((name, other) in listOf("pairs" to "catalogue", "why" to "history")) {
        if (name in names && other !in names) table.fail("signatures", "'$name' only together with '$other'")
    }
    if ("classify" in names) {
        table.fail("signatures", "no signature 'classify', which belongs to $CLASSIFICATION")
    }
}

private fun idTable(table: Table, fallback: String) =
    IdTable(table.path("path"), table.count("count"), table.choice("unknown", fallback, "error"))
