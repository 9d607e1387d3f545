package hanji

/**
 * An open image classifier. Create it with [open], and close it when it is no longer needed.
 *
 * Images are resized and normalized exactly as in training; the caller passes raw pixels. Thread-safe.
 */
class Classifier private constructor(
    bundle: Bundle,
    val manifest: ClassifierManifest,
    artifact: Artifact,
    engine: Engine,
    private val classes: Labels,
) : Session(bundle, artifact, engine) {

    private val signature = artifact.signature("classify")
    private val tensor = ImageTensor(manifest.imageInput, signature.inputs[0])

    /** Class names. */
    val labels: List<String> get() = classes.values

    /** Class names in other languages, by language tag, such as "ko". */
    val names: Map<String, List<String>> get() = classes.names

    /** How an image is prepared for the model. */
    val imageInput: ImageInput get() = manifest.imageInput

    /**
     * The [k] most probable classes, or all classes if there are fewer. If `manifest.output` is multi-label,
     * labels whose probability reaches their threshold, of which there may be none. [language], one of
     * [names], is the language of each prediction's `name`.
     *
     * RequestException if [k] is below 1, if the bundle lacks the language, and for a bundle of values, for
     * which there is [estimate].
     */
    fun classify(pixels: Pixels, k: Int = 5, language: String? = null): Classification {
        if (k < 1) throw RequestException("k=$k: expected 1 or more")
        val names = expected(false).inLanguage(language)
        val values = outputs(pixels)
        val found = reached(values)
        return Classification(
            topK(values, minOf(k, found)).mapIndexed { position, index ->
                Prediction(position + 1, labels[index], names[index], values[index], index)
            }
        )
    }

    /**
     * The values of a bundle whose `manifest.output` is of values, in the order of [labels].
     *
     * Arguments and errors are those of [classify], which takes the other bundles.
     */
    fun estimate(pixels: Pixels, language: String? = null): List<Value> {
        val names = expected(true).inLanguage(language)
        val values = outputs(pixels)
        val units = manifest.output!!.units
        return labels.mapIndexed { index, label -> Value(label, names[index], values[index], units[index]) }
    }

    /**
     * The probability of every class, float32 [classes], in the order of [labels].
     *
     * `manifest.probabilities` states how they are computed; a wrapped model may output raw values instead.
     * RequestException for a bundle of values.
     */
    fun probabilities(pixels: Pixels): FloatArray {
        expected(false)
        return classifyPrepared(prepare(pixels, imageInput))
    }

    /** The labels; RequestException if the outputs are values and should not be, or vice versa. */
    private fun expected(values: Boolean): Labels {
        val isOfValues = manifest.output?.kind == VALUES
        if (values == isOfValues) return classes
        throw RequestException(
            if (isOfValues) "a model of values; call estimate() instead"
            else "a model of probabilities of classes; call classify() instead"
        )
    }

    /** The number of labels that reach their threshold; the [probabilities] of others become the lowest. */
    private fun reached(probabilities: DoubleArray): Int {
        val thresholds = manifest.output?.thresholds ?: return probabilities.size
        var count = 0
        for (index in thresholds.indices) {
            if (probabilities[index] >= thresholds[index]) count++
            else probabilities[index] = Double.NEGATIVE_INFINITY
        }
        return count
    }

    private fun outputs(pixels: Pixels): DoubleArray {
        val found = classifyPrepared(prepare(pixels, imageInput))
        return DoubleArray(found.size) { found[it].toDouble() }
    }

    override fun selfTest(): SelfTest {
        val path = manifest.golden
        val golden = parseImageGolden(readFile(path), imageInput, labels.size, path)
        val expected = golden.artifacts[artifact.format] ?: return notRun(path, artifact)
        return replayImages(golden.preparation, expected, imageInput) { classifyPrepared(it) }
    }

    /** Probabilities of a prepared image, uint8 [height · width · channels]. */
    private fun classifyPrepared(image: ByteArray): FloatArray {
        val output = run("classify", mapOf(signature.inputs[0].name to tensor.of(image)))
        checkShape(output, 1, labels.size)
        val values = finite(dequantized(output, signature.outputs[0]), "classify")
        return probabilitiesOf(values, manifest.probabilities)
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
