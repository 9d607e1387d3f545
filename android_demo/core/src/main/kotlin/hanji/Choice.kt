package hanji

/** An artifact of the bundle and an engine that can run it. */
internal class Choice(val factory: EngineFactory, val artifact: Artifact)

/**
 * Chooses the engine that is requested by name, or, for "auto", the first one that can run the bundle.
 *
 * The decision is based on the manifest, before any engine is loaded. EngineException with the reason for
 * each engine if none can run the bundle.
 */
internal fun choose(manifest: Manifest, engines: List<EngineFactory>, options: EngineOptions): Choice {
    val isAuto = options.engine == "auto"
    val candidates = engines.filter { isAuto || it.name == options.engine }
    if (candidates.isEmpty()) {
        val names = (listOf("auto") + engines.map { it.name }).joinToString()
        throw EngineException(
            "engine: expected one of this app's engines ($names), found ${quoted(options.engine)}"
        )
    }
    val reasons = ArrayList<String>()
    for (factory in candidates) {
        val artifact = artifactFor(factory, manifest)
        val reason = if (artifact == null) noArtifact(factory, manifest) else mismatch(factory, artifact)
        if (artifact != null && reason == null) return Choice(factory, artifact)
        reasons.add("${factory.name}: $reason")
    }
    val what = if (isAuto) "no engine can" else "engine ${quoted(options.engine)} cannot"
    throw EngineException("$what run this bundle: ${reasons.joinToString("; or ")}")
}

private fun artifactFor(factory: EngineFactory, manifest: Manifest): Artifact? =
    manifest.artifacts.firstOrNull { artifact -> artifact.engines.any { it.name == factory.name } }

private fun noArtifact(factory: EngineFactory, manifest: Manifest): String {
    val known = manifest.artifacts.joinToString { artifact ->
        "${artifact.format} for ${artifact.engines.joinToString(" and ") { it.name }}"
    }
    return "the bundle has no artifact for ${factory.name}, only $known"
}

/** The reason why the engine cannot run an artifact of its format, or null if it can. */
private fun mismatch(factory: EngineFactory, artifact: Artifact): String? {
    val oldest = artifact.engines.first { it.name == factory.name }.oldestVersion
    val version = try {
        factory.version
    } catch (error: EngineException) {
        return error.message
    }
    if (isAtLeast(version, oldest)) return null
    return "this model needs version $oldest or newer, found $version; try: an app with a newer " +
        "${factory.name}, or export the bundle with a scheme that runs on it"
}

/** Whether [version] is at least [oldest]; a pre-release is older than its release, and 2.0 equals 2. */
internal fun isAtLeast(version: String, oldest: String): Boolean {
    val found = numbers(version)
    val needed = numbers(oldest)
    for (index in 0 until maxOf(found.size, needed.size)) {
        val left = if (index < found.size) found[index] else 0L
        val right = if (index < needed.size) needed[index] else 0L
        if (left != right) return left > right
    }
    return !isPreRelease(version) || isPreRelease(oldest)
}

/** The leading numbers of a version. */
private fun numbers(version: String): List<Long> =
    parts(release(version), '.').mapNotNull { longOrNull(it) }

private fun release(version: String): String = version.takeWhile { it in '0'..'9' || it == '.' }

private fun isPreRelease(version: String): Boolean {
    val rest = version.substring(release(version).length).dropWhile { it == '.' || it == '_' || it == '-' }
    return PRE_RELEASES.any { rest.startsWith(it) }
}

private val PRE_RELEASES = listOf("a", "b", "c", "rc", "pre", "dev", "SNAPSHOT", "nightly")
