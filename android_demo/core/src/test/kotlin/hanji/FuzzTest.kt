package hanji

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Random
import org.junit.Assert.assertTrue
import org.junit.Test

/**
 * Thousands of invalid files with matching checksums: each is either accepted or rejected with a
 * HanjiException, and quickly.
 */
class FuzzTest {
    private val random = Random(20)

    @Test(timeout = 300_000)
    fun manifestsWithInvalidValues() = fuzz("manifest.json", 2500) { invalidValue(it) }

    @Test(timeout = 300_000)
    fun manifestsWithInvalidBytes() = fuzz("manifest.json", 2500) { invalidBytes(it) }

    @Test(timeout = 300_000)
    fun otherFilesWithInvalidValues() {
        for (path in OTHERS) fuzz(path, 300) { invalidValue(it) }
    }

    @Test(timeout = 300_000)
    fun otherFilesWithInvalidBytes() {
        for (path in OTHERS + TABLES) fuzz(path, 300) { invalidBytes(it) }
    }

    @Test(timeout = 300_000)
    fun tableFilesWithInvalidWords() {
        for (path in TABLES) fuzz(path, 2000) { invalidWords(it) }
    }

    private fun fuzz(path: String, times: Int, change: (ByteArray) -> ByteArray) {
        val bundles = TestData.bundles().values
            .filter { bundle -> MemorySource(bundle).files.containsKey(path) }
        var rejected = 0
        var slowest = 0L
        repeat(times) { number ->
            val source = MemorySource(bundles[number % bundles.size])
            val content = change(source.files.getValue(path))
            if (path == "manifest.json") source.manifest(content) else source.file(path, content)
            val start = System.nanoTime()
            if (isRejected(source, content)) rejected++
            slowest = maxOf(slowest, System.nanoTime() - start)
        }
        println("$path: $rejected of $times rejected, slowest ${slowest / 1_000_000} ms")
        assertTrue("slowest ${slowest / 1_000_000} ms", slowest < 5_000_000_000)
    }

    /** Whether it is rejected with a HanjiException; any other exception fails the test. */
    private fun isRejected(source: MemorySource, content: ByteArray): Boolean {
        try {
            val engines = listOf(FakeEngineFactory())
            val session = if ("labels.json" in source.files) Classifier.open(source, engines)
            else Recommender.open(source, engines)
            session.use { it.selfTest() }
            return false
        } catch (_: HanjiException) {
            return true
        } catch (error: Throwable) {
            throw AssertionError("$error for: ${String(content).take(20_000)}", error)
        }
    }

    /** Changes one to three random values of the file. */
    private fun invalidValue(content: ByteArray): ByteArray {
        var value = parseJson(content, "")
        repeat(1 + random.nextInt(3)) { value = mutated(value) }
        return StringBuilder().also { write(value, it) }.toString().toByteArray()
    }

    private fun mutated(value: Any?): Any? {
        val descend = random.nextInt(8) != 0
        return when {
            value is Map<*, *> && value.isNotEmpty() && descend -> {
                val key = value.keys.elementAt(random.nextInt(value.size))
                when (random.nextInt(10)) {
                    0 -> value - key
                    1 -> value + (randomValue() to value[key])
                    else -> value + (key to mutated(value[key]))
                }
            }
            value is List<*> && value.isNotEmpty() && descend -> {
                val at = random.nextInt(value.size)
                when (random.nextInt(10)) {
                    0 -> value.filterIndexed { index, _ -> index != at }
                    1 -> value + value[at]
                    else -> value.mapIndexed { index, each -> if (index == at) mutated(each) else each }
                }
            }
            else -> randomValue()
        }
    }

    private fun randomValue(): Any? = EDGE_CASES[random.nextInt(EDGE_CASES.size)]

    private fun invalidBytes(content: ByteArray): ByteArray {
        var bytes = content.toList()
        repeat(1 + random.nextInt(4)) {
            if (bytes.isEmpty()) return@repeat
            val at = random.nextInt(bytes.size)
            val end = minOf(bytes.size, at + 1 + random.nextInt(40))
            bytes = when (random.nextInt(6)) {
                0 -> bytes.toMutableList().also { it[at] = random.nextInt(256).toByte() }
                1 -> bytes.toMutableList().also { it[at] = flipped(it[at]) }
                2 -> bytes.subList(0, at) + bytes.subList(end, bytes.size)
                3 -> bytes.subList(0, end) + bytes.subList(at, bytes.size)
                4 -> bytes.subList(0, at) + SNIPPETS[random.nextInt(SNIPPETS.size)].toByteArray().toList() +
                    bytes.subList(at, bytes.size)
                else -> bytes.subList(0, maxOf(1, at))
            }
        }
        return bytes.toByteArray()
    }

    /** Changes one to three 32-bit words of the file. */
    private fun invalidWords(content: ByteArray): ByteArray {
        val words = ByteBuffer.wrap(content.copyOf()).order(ByteOrder.LITTLE_ENDIAN)
        repeat(1 + random.nextInt(3)) {
            val values = listOf(0, 1, Int.MIN_VALUE, -1, random.nextInt(), random.nextInt(8))
            words.putInt(4 * random.nextInt(content.size / 4), values[random.nextInt(values.size)])
        }
        return words.array()
    }

    private fun flipped(byte: Byte): Byte = (byte.toInt() xor (1 shl random.nextInt(8))).toByte()

    private fun write(value: Any?, text: StringBuilder) {
        when (value) {
            is Map<*, *> -> {
                val fields = value.entries.map { (key, each) ->
                    StringBuilder().also { write(key.toString(), it); it.append(':'); write(each, it) }
                }
                text.append(fields.joinToString(",", "{", "}"))
            }
            is List<*> -> {
                val entries = value.map { each -> StringBuilder().also { write(each, it) } }
                text.append(entries.joinToString(",", "[", "]"))
            }
            is String -> {
                text.append('"')
                for (character in value) {
                    val isPlain = character >= ' ' && character != '"' && character != '\\'
                    text.append(if (isPlain) character.toString() else "\\u%04x".format(character.code))
                }
                text.append('"')
            }
            is Double -> text.append(if (value.isInfinite()) "1e999" else value.toString())
            else -> text.append(value)
        }
    }

    private companion object {
        val OTHERS = listOf("items.json", "users.json", "labels.json", "golden.json")
        val TABLES = listOf("items.table", "users.table")
        val EDGE_CASES = listOf(
            null, true, false, 0L, 1L, -1L, 2L, 255L, 256L, 4096L, 2147483647L, 2147483648L,
            9007199254740991L, 9007199254740992L, 999999999999999999L, 0.5, -0.0, 1e308, 1e309, 5e-324, "",
            "x", "..", "../x", "items.json", "manifest.json", "history", "classify", "catalogue", "int8",
            "float32", "softmax", "onnxruntime", "pad", "crop", "runtime", "A".repeat(2000), "\u0000", "é한😀",
            "\ud800", "0".repeat(64), emptyList<Any>(), emptyMap<String, Any>(), listOf(null),
            listOf(1L, 2L, 3L), listOf("a"), mapOf("a" to 1L), List(300) { it.toLong() },
            listOf(listOf(listOf(listOf(1L)))), "int64", "AAAA", "=", "1.2.3",
        )
        val SNIPPETS = listOf(
            "[", "]", "{", "}", "\"", "\\", ",", ":", "null", "1e999", "-", "0", "\\ud800", "\u0000", "[[[[",
            "\"schema_version\": 2,", "\"path\": \"../x\",", "9".repeat(400), "\u00A0", "//", "/*", "NaN",
        )
    }
}
