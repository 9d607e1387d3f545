package hanji

import hanji.engines.JavacppTfliteFactory
import hanji.engines.OnnxEngineFactory
import java.io.ByteArrayInputStream
import java.io.File
import java.io.FileNotFoundException
import java.io.InputStream
import java.security.MessageDigest
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assert.fail
import org.junit.Assume.assumeTrue

/**
 * Test data: bundles, and the results of the Python runtime for them; tests/android creates both.
 */
object TestData {
    val onnx: List<EngineFactory> = listOf(OnnxEngineFactory())
    val tflite: List<EngineFactory> = listOf(JavacppTfliteFactory())

    /** The engines that run on this JVM, by format. */
    val engines: Map<String, List<EngineFactory>> = mapOf("onnx" to onnx, "tflite" to tflite)

    /** All bundles, by name; the test is skipped if there are none. */
    fun bundles(): Map<String, File> = folder("hanji.bundles").sortedBy { it.name }.associateBy { it.name }

    fun recommenders(): Map<String, File> = bundles().filter { isRecommender(it.value) }

    fun classifiers(): Map<String, File> = bundles().filter { !isRecommender(it.value) }

    /** A bundle that takes a history and supports `why`. */
    fun recommender(): File = bundles().getValue("history")

    fun classifier(): File = bundles().getValue("digits")

    /** A file with results of the Python runtime. */
    fun pythonResults(name: String): Any? {
        val file = folder("hanji.answers").first { it.name == "$name.json" }
        return parseJson(file.readBytes(), file.name)
    }

    /**
     * Expects the same items in the same order. TensorFlow Lite's kernels round 8-bit models differently than
     * those of Python's LiteRT: with "tflite", items may change places if their scores then differ by no more
     * than the golden [tolerance], and an item outside of the expected ones has a score near the last one.
     */
    fun compareItems(
        what: String,
        format: String,
        expected: List<Pair<Any, Double>>,
        found: List<Pair<Any, Double>>,
        tolerance: Double,
    ) {
        if (format == "onnx") assertEquals(what, expected.map { it.first }, found.map { it.first })
        assertEquals(what, expected.size, found.size)
        val scores = expected.toMap()
        for ((place, item) in found.withIndex()) {
            assertEquals(what, expected[place].second, item.second, tolerance)
            assertEquals(what, scores[item.first] ?: expected.last().second, item.second, 2 * tolerance)
        }
    }

    private fun folder(property: String): List<File> {
        val directory = System.getProperty(property)
        assumeTrue("no -D$property=DIR was given; tests/android creates one", directory != null)
        return File(directory).listFiles()!!.toList()
    }

    fun isRecommender(bundle: File) = !File(bundle, "labels.json").exists()
}

/** A mutable bundle in memory; its name in errors is "memory". */
class MemorySource(val files: MutableMap<String, ByteArray>) : BundleSource {
    constructor(directory: File) : this(
        directory.walk().filter { it.isFile }
            .associateTo(HashMap()) { it.relativeTo(directory).path.replace('\\', '/') to it.readBytes() }
    )

    override fun open(path: String): InputStream =
        ByteArrayInputStream(files[path] ?: throw FileNotFoundException(path))

    override fun toString() = "memory"

    fun text(path: String) = String(files.getValue(path))

    /** Replaces the manifest and its checksum. */
    fun manifest(content: ByteArray): MemorySource {
        files["manifest.json"] = content
        files["manifest.sha256"] = "${hex(content)}  manifest.json\n".toByteArray()
        return this
    }

    fun manifest(change: (String) -> String): MemorySource {
        val before = text("manifest.json")
        val after = change(before)
        assertTrue("the test changes nothing", before != after)
        return manifest(after.toByteArray())
    }

    /** Replaces a file and updates its size and hash in the manifest. */
    fun file(path: String, content: ByteArray): MemorySource {
        val old = files.getValue(path)
        files[path] = content
        val sized = replaced(text("manifest.json"), "\"path\": *\"$path\"", old.size, content.size)
        return manifest(sized.replace(hex(old), hex(content)).toByteArray())
    }

    /** Replaces "bytes" in the object with [path]. */
    private fun replaced(manifest: String, path: String, old: Int, new: Int): String =
        Regex("\\{[^{}]*$path[^{}]*\\}").replace(manifest) { found ->
            found.value.replace(Regex("(\"bytes\": *)$old\\b"), "$1$new")
        }
}

fun hex(content: ByteArray): String =
    MessageDigest.getInstance("SHA-256").digest(content).joinToString("") { "%02x".format(it) }

/** The HanjiException of class [E] thrown by [action]; the test fails for none or another class. */
inline fun <reified E : HanjiException> expect(vararg messages: String, action: () -> Unit): E {
    try {
        action()
    } catch (error: HanjiException) {
        assertTrue("expected ${E::class.java.simpleName}, found $error", error.javaClass == E::class.java)
        for (text in messages) assertTrue("expected '$text' in: ${error.message}", text in error.message!!)
        return error as E
    }
    fail("expected ${E::class.java.simpleName}, found none")
    throw AssertionError()
}

/** An engine whose outputs are created by [run]. */
class FakeEngineFactory(
    override val name: String = "onnxruntime",
    override val version: String = "9.9",
    private val run: (Signature, Map<String, Tensor>) -> Tensor = ::zeros,
) : EngineFactory {
    var isClosed = false

    override fun create(
        artifact: Artifact,
        files: Map<String, ByteArray>,
        options: EngineOptions,
    ) = object : Engine {
        override val placement = Placement(
            name, version, options.threads, emptyList(), emptyList(), null, emptyList()
        )

        override fun run(signature: Signature, inputs: Map<String, Tensor>) =
            this@FakeEngineFactory.run.invoke(signature, inputs)

        override fun close() {
            isClosed = true
        }
    }
}

/** Zeros in the shape of the output; a dynamic size is that of the first input. */
fun zeros(signature: Signature, inputs: Map<String, Tensor>): Tensor {
    val info = signature.outputs[0]
    val any = inputs.getValue(signature.inputs[0].name).shape[0]
    val shape = IntArray(info.shape.size) { info.shape[it] ?: any }
    return Tensor(info.dtype, shape, Tensor.arrayOf(info.dtype, Tensor.countOf(shape)))
}
