package hanji

import java.io.ByteArrayInputStream
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.nio.file.Files
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/**
 * Bundles that are damaged, incomplete or unsupported are rejected with the right exception and a clear
 * message.
 */
class DamageTest {
    @get:Rule
    val folder = TemporaryFolder()

    @Test
    fun aFlippedBitInAnyFileIsDetected() {
        for (bundle in listOf(TestData.recommender(), TestData.classifier())) {
            for (path in used(bundle)) {
                for (position in listOf(0.0, 0.3, 0.999)) {
                    val source = MemorySource(bundle)
                    val content = source.files.getValue(path)
                    val at = (content.size * position).toInt()
                    content[at] = (content[at].toInt() xor 1).toByte()
                    val message = if (path.startsWith("manifest.")) "one of the two was modified or damaged"
                    else "memory/$path: expected sha256"
                    expect<ChecksumException>(message) { use(source, bundle) }
                }
            }
        }
    }

    @Test
    fun aShorterOrLongerFileIsDetected() {
        for (bundle in listOf(TestData.recommender(), TestData.classifier())) {
            for (path in used(bundle)) {
                val content = MemorySource(bundle).files.getValue(path)
                val others = listOf(
                    content.copyOf(content.size - 1), ByteArray(0), content.copyOf(content.size + 1)
                )
                for (other in others) {
                    val source = MemorySource(bundle)
                    source.files[path] = other
                    expect<ChecksumException>("memory/") { use(source, bundle) }
                }
            }
        }
    }

    @Test
    fun aMissingFileIsDetected() {
        for (bundle in listOf(TestData.recommender(), TestData.classifier())) {
            for (path in used(bundle)) {
                val source = MemorySource(bundle)
                source.files.remove(path)
                expect<BundleException>("memory/$path: the file is missing; copy or export") {
                    use(source, bundle)
                }
            }
        }
    }

    @Test
    fun anEndlessFileIsNotReadBeyondItsSize() {
        for (endless in listOf("manifest.json", "manifest.sha256", "items.json", "model.onnx")) {
            val inner = MemorySource(TestData.recommender())
            val source = object : BundleSource {
                override fun open(path: String) = if (path == endless) Endless() else inner.open(path)
            }
            val opened = runCatching { Recommender.open(source, listOf(FakeEngineFactory())) }
            val error = opened.exceptionOrNull()
            assertTrue("$endless: $error", error is BundleException && "more" in error.message!!)
        }
    }

    @Test
    fun aReadErrorIsReported() {
        val source = object : BundleSource {
            override fun open(path: String): InputStream = throw IOException("the card was removed")
        }
        expect<BundleException>("manifest.json: cannot be read: the card was removed") {
            Recommender.open(source, TestData.onnx)
        }
    }

    @Test
    fun aBundleOfAnotherVersionIsRejected() {
        val source = changed("\"schema_version\": *1\\b", "\"schema_version\": 3")
        expect<SchemaVersionException>("reads versions 1 and 2, found 3; update the app") { open(source) }
    }

    @Test
    fun aBundleForAnotherTaskIsRejected() {
        expect<BundleException>(
            "a bundle for recommendation, which a Classifier cannot open; try: Recommender.open"
        ) {
            Classifier.open(DirectorySource(TestData.recommender()), TestData.onnx)
        }
        expect<BundleException>("a bundle for image-classification, which a Recommender cannot open") {
            Recommender.open(DirectorySource(TestData.classifier()), TestData.onnx)
        }
        expect<BundleException>(
            "task: expected one of recommendation, image-classification, found 'translation'"
        ) {
            open(changed("\"recommendation\"", "\"translation\""))
        }
    }

    @Test
    fun aBundleForAnUnknownEngineIsRejected() {
        val source = changed("\"name\": *\"onnxruntime\"", "\"name\": \"a new one\"")
        expect<EngineException>("the bundle has no artifact for onnxruntime, only", "onnx for a new one") {
            open(source)
        }
        val newer = changed("(\"name\": *\"onnxruntime\",\\s*\"oldest_version\": *)\"[0-9.]*\"", "$1\"99.1\"")
        expect<EngineException>("onnxruntime: this model needs version 99.1 or newer, found 1.") {
            open(newer)
        }
    }

    @Test
    fun pathsOutsideTheBundleAreRejected() {
        for (path in listOf("../items.json", "/etc/passwd", "a/../../b", "..\\\\x", "a/", ".", "con:")) {
            expect<BundleException>("expected a relative path inside the bundle") {
                open(changed("\"path\": *\"items.json\"", Regex.escapeReplacement("\"path\": \"$path\"")))
            }
        }
        val source = DirectorySource(TestData.recommender())
        for (path in listOf("../users/manifest.json", "..", "a/../../x", "")) {
            expect<BundleException>("a path or symbolic link to a location outside the bundle") {
                source.open(path)
            }
        }
    }

    @Test
    fun aSymbolicLinkOutOfTheBundleIsRejected() {
        val copy = folder.newFolder("bundle")
        TestData.recommender().copyRecursively(copy, overwrite = true)
        val outside = File(folder.root, "items.json")
        File(copy, "items.json").copyTo(outside)
        File(copy, "items.json").delete()
        Files.createSymbolicLink(File(copy, "items.json").toPath(), outside.toPath())
        expect<BundleException>("symbolic link to a location outside the bundle") {
            open(DirectorySource(copy))
        }
    }

    @Test
    fun whatIsNotABundleIsRejected() {
        expect<BundleException>("expected a bundle directory, found nothing") {
            open(DirectorySource(File("/no/such")))
        }
        val file = folder.newFile()
        expect<BundleException>("expected a bundle directory, found a file") { open(DirectorySource(file)) }
        val empty = folder.newFolder()
        expect<BundleException>("manifest.json: the file is missing") { open(DirectorySource(empty)) }
        File(empty, "manifest.json").mkdir()
        expect<BundleException>("expected a regular file") { open(DirectorySource(empty)) }
    }

    @Test
    fun inconsistenciesAreRejected() {
        expect<BundleException>("is listed twice") { open(changed("\"golden.json\"", "\"ITEMS.json\"")) }
        expect<BundleException>("ids.items.path: 'golden2.json' is not among the bundle's files") {
            open(MemorySource(TestData.recommender()).manifest(::withAnotherItemsPath))
        }
        expect<BundleException>("outputs[0].shape: expected [201] (ids.items.count), found [200]") {
            open(changed("\"count\": *200", "\"count\": 201"))
        }
    }

    private fun withAnotherItemsPath(manifest: String): String {
        val found = Regex("\"ids\"[\\s\\S]*?(\"path\": *\"items.json\")").find(manifest)!!.groups[1]!!
        return manifest.replaceRange(found.range, "\"path\": \"golden2.json\"")
    }

    private fun changed(pattern: String, replacement: String) =
        MemorySource(TestData.recommender()).manifest { it.replace(Regex(pattern), replacement) }

    private fun open(source: BundleSource) = Recommender.open(source, TestData.onnx).close()

    /** Opens the bundle and reads all its files, like a session. */
    private fun use(source: BundleSource, bundle: File) {
        val engines = listOf(FakeEngineFactory())
        val isRecommender = TestData.isRecommender(bundle)
        val session = if (isRecommender) Recommender.open(source, engines)
        else Classifier.open(source, engines)
        session.use { it.selfTest() }
    }

    private fun used(bundle: File): List<String> {
        val names = listOf("manifest.json", "manifest.sha256", "items.json", "items.table", "users.table")
        val others = listOf("labels.json", "golden.json", "model.onnx", "why.onnx")
        return (names + others).filter { File(bundle, it).exists() }
    }

    private class Endless : InputStream() {
        override fun read() = 32

        override fun read(buffer: ByteArray, start: Int, length: Int): Int {
            buffer.fill(32, start, start + length)
            return length
        }
    }
}
