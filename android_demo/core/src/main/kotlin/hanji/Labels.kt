package hanji

/**
 * One name per class in [values], and in each list of [names], which is keyed by language tag such as "ko".
 */
class Labels internal constructor(val values: List<String>, val names: Map<String, List<String>>) {

    /** The names in [language], or [values] for null; RequestException if the bundle lacks the language. */
    fun inLanguage(language: String?): List<String> {
        if (language == null) return values
        return names[language] ?: run {
            val known = names.keys.sorted().joinToString().ifEmpty { "none" }
            throw RequestException(
                "language: expected a language of the bundle ($known), found ${quoted(language)}"
            )
        }
    }
}

/** Parses labels.json with [count] classes; BundleException naming the field if it is malformed. */
internal fun parseLabels(content: ByteArray, count: Int, where: String): Labels {
    val table = Table.parse(content, where)
    val values = names(table, "labels", count)
    if ("names" !in table) return Labels(values, emptyMap())
    val others = table.table("names")
    return Labels(values, others.keys.associateWith { names(others, it, count) })
}

private fun names(table: Table, key: String, count: Int): List<String> {
    val names = table.texts(key)
    val areShort = names.all { it.codePointCount(0, it.length) in 1..1000 }
    if (!areShort) table.fail(key, "strings of 1 to 1000 characters")
    if (names.size != count) table.fail(key, "$count names (the manifest's count)")
    return names
}
