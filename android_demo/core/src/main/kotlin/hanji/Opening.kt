package hanji

/** The steps of opening a bundle: verify, choose an engine, read files, load the model. */
internal class Opening(source: BundleSource, private val options: EngineOptions) {
    val bundle: Bundle

    init {
        val threads = options.threads
        if (threads < 1) throw RequestException("threads: expected 1 or more, found $threads")
        bundle = Bundle.open(source)
    }

    fun choose(engines: List<EngineFactory>): Choice {
        val choice = choose(bundle.manifest, engines, options)
        checkSignature(choice.artifact, choice.artifact.mainSignature)
        return choice
    }

    /** The content of one of the bundle's own files. */
    fun read(path: String): ByteArray = bundle.read(bundle.file(path))

    /** Loads the model; this is the last step because it is the most expensive one. */
    fun engine(choice: Choice): Engine =
        choice.factory.create(choice.artifact, bundle.read(choice.artifact.files), options)

    fun otherTask(requested: String, matching: String): BundleException {
        val task = bundle.manifest.task
        return BundleException(
            "$bundle: a bundle for $task, which a $requested cannot open; try: $matching.open(…)"
        )
    }
}

/**
 * EngineException if the signature is missing or, for a recommender, does not take int32 indices and return
 * float32 values. "classify" is checked with the manifest.
 */
internal fun checkSignature(artifact: Artifact, name: String) {
    val signature = artifact.signature(name)
    val expected = when (name) {
        "catalogue" -> listOf("int32 user")
        "history" -> listOf("int32 history")
        "why" -> listOf("int32 history", "int32 item")
        else -> return
    }
    val found = signature.inputs.map { "${it.dtype} ${it.name}" }.sorted()
    val output = signature.outputs[0].dtype
    if (found == expected && output == "float32") return
    throw EngineException(
        "signature '$name' of the ${artifact.format} artifact: expected inputs ${expected.joinToString()} " +
            "and output float32, found inputs ${found.joinToString()} and output $output"
    )
}
