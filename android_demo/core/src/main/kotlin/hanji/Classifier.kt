package hanji

/**
 * An open classifier. Make it with [open], close it when it is not needed any more.
 *
 * A picture is scaled and normalized as in training: nothing of that is left to the caller. Threads may
 * share it.
 */
class Classifier private constructor(
    bundle: Bundle,
    val manifest: ClassifierManifest,
    artifact: Artifact,
    engine: Engine,
    private val classes: Labels,
) : Session(bundle, artifact, engine) {

    private val signature = artifact.signature("classify")
    private val tensor = PictureTensor(manifest.picture, signature.inputs[0])

    /** The names of the classes. */
    val labels: List<String> get() = classes.values

    /** The names of the classes in other languages, by language tag, such as "ko". */
    val names: Map<String, List<String>> get() = classes.names

    /** What becomes of a picture before the model sees it. */
    val picture: PictureInput get() = manifest.picture

    /**
     * The [k] most probable classes, or all of them where there are fewer. [language], one of [names],
     * chooses what each prediction's `name` is.
     *
     * RequestException for a [k] below 1 or a language that the bundle does not have.
     */
    fun classify(pixels: Pixels, k: Int = 5, language: String? = null): Classification {
        if (k < 1) throw RequestException("k=$k: expected 1 or more")
        val names = classes.inLanguage(language)
        val found = probabilities(pixels)
        val values = DoubleArray(found.size) { found[it].toDouble() }
        val best = topK(values, minOf(k, values.size))
        return Classification(
            best.mapIndexed { place, index ->
                Prediction(place + 1, labels[index], names[index], values[index], index)
            }
        )
    }

    /**
     * The probability of every class, float32 [classes], in the order of [labels].
     *
     * What they are worth `manifest.probabilities` says: a wrapped model's may be no probabilities.
     */
    fun probabilities(pixels: Pixels): FloatArray = ofPrepared(prepare(pixels, manifest.picture))

    override fun selfTest(): SelfTest {
        val path = manifest.golden
        val golden = parsePictureGolden(readFile(path), manifest.picture, labels.size, path)
        val expected = golden.artifacts[artifact.format] ?: return notRun(path, artifact)
        return replayPictures(golden.preparation, expected, manifest.picture) { ofPrepared(it) }
    }

    /** Probabilities of a prepared picture, uint8 [height · width · channels]. */
    private fun ofPrepared(levels: ByteArray): FloatArray {
        val output = run("classify", mapOf(signature.inputs[0].name to tensor.of(levels)))
        checkShape(output, 1, labels.size)
        val found = finite(dequantized(output, signature.outputs[0]), "classify")
        return probabilitiesOf(found, manifest.probabilities)
    }

    companion object {
        /**
         * Verifies the bundle in [source] and loads its model into the first of [engines] that can run it.
         *
         * Reads files and may take a second: not for an app's main thread. BundleException for a bundle
         * that is missing, damaged, no classifier's, or made for a newer reader; EngineException if no
         * engine can run it.
         */
        fun open(
            source: BundleSource,
            engines: List<EngineFactory>,
            options: EngineOptions = EngineOptions(),
        ): Classifier {
            val opening = Opening(source, options)
            val manifest = opening.bundle.manifest as? ClassifierManifest
                ?: throw opening.otherTask("Classifier", "Recommender")
            val choice = opening.choose(engines)
            val table = manifest.labels
            val labels = parseLabels(opening.read(table.path), table.count, table.path)
            return Classifier(opening.bundle, manifest, choice.artifact, opening.engine(choice), labels)
        }
    }
}
