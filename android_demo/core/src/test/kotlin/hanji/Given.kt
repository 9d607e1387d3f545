package hanji

import hanji.engines.OnnxEngineFactory
import java.io.ByteArrayInputStream
import java.io.File
import java.io.FileNotFoundException
import java.io.InputStream
import java.security.MessageDigest
import org.junit.Assert.assertTrue
import org.junit.Assert.fail
import org.junit.Assume.assumeTrue

/**
 * What the tests are given: bundles, and what the Python runtime answered from them (tests/android makes
 * both).
 */
object Given {
    val onnx: List<EngineFactory> = listOf(OnnxEngineFactory())

    /** All bundles, by name; the test is skipped if there are none. */
    fun bundles(): Map<String, File> = folder("hanji.bundles").sortedBy { it.name }.associateBy { it.name }

    fun recommenders(): Map<String, File> = bundles().filter { isRecommender(it.value) }

    fun classifiers(): Map<String, File> = bundles().filter { !isRecommender(it.value) }

    /** One bundle that takes a history and can say why. */
    fun recommender(): File = bundles().getValue("history")

    fun classifier(): File = bundles().getValue("digits")

    /** A file of Python's answers. */
    fun answers(name: String): Any? {
        val file = folder("hanji.answers").first { it.name == "$name.json" }
        return parseJson(file.readBytes(), file.name)
    }

    private fun folder(property: String): List<File> {
        val place = System.getProperty(property)
        assumeTrue("no -D$property=DIR was given; tests/android makes one", place != null)
        return File(place).listFiles()!!.toList()
    }

    private fun isRecommender(bundle: File) = File(bundle, "items.json").exists()
}

/** A bundle in memory, to be changed; errors call it "memory". */
class MemorySource(val files: MutableMap<String, ByteArray>) : BundleSource {
    constructor(directory: File) : this(
        directory.walk().filter { it.isFile }
            .associateTo(HashMap()) { it.relativeTo(directory).path.replace('\\', '/') to it.readBytes() }
    )

    override fun open(path: String): InputStream =
        ByteArrayInputStream(files[path] ?: throw FileNotFoundException(path))

    override fun toString() = "memory"

    fun text(path: String) = String(files.getValue(path))

    /** Another manifest with the checksum that fits it. */
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

    /** Another file with the size and hash that fit it, in a manifest that fits. */
    fun file(path: String, content: ByteArray): MemorySource {
        val old = files.getValue(path)
        files[path] = content
        val sized = replaced(text("manifest.json"), "\"path\": *\"$path\"", old.size, content.size)
        return manifest(sized.replace(hex(old), hex(content)).toByteArray())
    }

    /** In the object with [path] the number of bytes, wherever it stands in it. */
    private fun replaced(manifest: String, path: String, old: Int, new: Int): String =
        Regex("\\{[^{}]*$path[^{}]*\\}").replace(manifest) { found ->
            found.value.replace(Regex("(\"bytes\": *)$old\\b"), "$1$new")
        }
}

fun hex(content: ByteArray): String =
    MessageDigest.getInstance("SHA-256").digest(content).joinToString("") { "%02x".format(it) }

/** The HanjiException of class [E] that [action] throws; the test fails if it throws none or another. */
inline fun <reified E : HanjiException> expect(vararg said: String, action: () -> Unit): E {
    try {
        action()
    } catch (error: HanjiException) {
        assertTrue("expected ${E::class.java.simpleName}, found $error", error.javaClass == E::class.java)
        for (part in said) assertTrue("expected '$part' in: ${error.message}", part in error.message!!)
        return error as E
    }
    fail("expected ${E::class.java.simpleName}, found none")
    throw AssertionError()
}

/** An engine that computes nothing: [answer] makes what it gives. */
class FakeEngineFactory(
    override val name: String = "onnxruntime",
    override val version: String = "9.9",
    private val answer: (Signature, Map<String, Tensor>) -> Tensor = ::zeros,
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

        override fun run(signature: Signature, inputs: Map<String, Tensor>) = answer(signature, inputs)

        override fun close() {
            isClosed = true
        }
    }
}

/** Zeros of the shape that the signature promises; any size is that of the first input. */
fun zeros(signature: Signature, inputs: Map<String, Tensor>): Tensor {
    val info = signature.outputs[0]
    val any = inputs.getValue(signature.inputs[0].name).shape[0]
    val shape = IntArray(info.shape.size) { info.shape[it] ?: any }
    return Tensor(info.dtype, shape, Tensor.arrayOf(info.dtype, Tensor.countOf(shape)))
}
