package hanji

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class JsonTest {
    @Test
    fun valuesAreParsed() {
        val text = """ {"a": [1, -0, 2.5, 1e3, 1E-2, true, false, null],
            "b": {"c": "x\n\"\\\/é한😀"}, "": ""} """
        val expected = mapOf(
            "a" to listOf(1L, 0L, 2.5, 1000.0, 0.01, true, false, null),
            "b" to mapOf("c" to "x\n\"\\/é한😀"),
            "" to "",
        )
        assertEquals(expected, read(text))
    }

    @Test
    fun duplicateKeysAreRejected() {
        for (text in listOf("""{"a": 1, "b": 3, "a": 2}""", """[{"a": 1, "\u0061": 2}]""")) {
            expect<BundleException>("a name that is not in the object yet after 'a'") { read(text) }
        }
    }

    @Test
    fun malformedJsonIsRejected() {
        val texts = listOf(
            "", " ", "{", "}", "[", "]", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "01", "-", "1.", ".5",
            "1e", "+1", "NaN", "Infinity", "-Infinity", "nul", "tru", "\"", "\"\\x\"", "\"\\u12g4\"",
            "\"\\u12", "\"a\nb\"", "1 2",
            "{\"a\" 1}", "[1 2]", "\uFEFF{}", "{} x", "\u00A01", "\"\u0000\"", "--1", "1e+", "0x10", "١",
        )
        for (text in texts) expect<BundleException>("x.json: not a valid JSON file") { read(text) }
    }

    @Test
    fun invalidUtf8IsRejected() {
        val quote = 34.toByte()
        val texts = listOf(byteArrayOf(-1, quote), byteArrayOf(-19, -96, -128, quote), byteArrayOf(-61))
        for (bytes in texts.map { byteArrayOf(quote) + it }) {
            expect<BundleException>("it is not UTF-8") { parseJson(bytes, "x.json") }
        }
    }

    @Test
    fun deepNestingIsRejected() {
        for (depth in listOf(300, 100_000, 3_000_000)) {
            expect<BundleException>("at most 200 levels") { read("[".repeat(depth) + "]".repeat(depth)) }
            expect<BundleException>("at most 200 levels") { read("{\"a\":".repeat(depth)) }
        }
        read("[".repeat(200) + "]".repeat(200))
    }

    @Test
    fun hugeNumbersAreRejected() {
        assertNull(asNumber(read("1e999")))
        assertNull(asInteger(read("9007199254740993000000")))
        assertNull(asInteger(read("1e300")))
        assertEquals(5L, asInteger(read("5.0")))
        assertEquals(999_999_999_999_999_999L, read("999999999999999999"))
        expect<BundleException>("at most 1000 characters") { read("1".repeat(5_000_000)) }
        expect<BundleException>("at most 1000 characters") { read("1e" + "0".repeat(5_000_000) + "1") }
    }

    @Test
    fun fieldsAreChecked() {
        val table = Table.parse(
            """{"t": "", "n": 1.5, "l": [1, "a"], "b": true, "x": null}""".toByteArray(), "x.json"
        )
        expect<BundleException>("x.json: t: expected a string of 1 to 1000 characters, found ''") {
            table.text("t")
        }
        expect<BundleException>("x.json: n: expected an integer from 1 to") { table.count("n") }
        expect<BundleException>("x.json: b: expected a finite number") { table.number("b") }
        expect<BundleException>("x.json: l: expected ids that are all strings or all integers") {
            table.ids("l")
        }
        expect<BundleException>("x.json: x: expected an array, found null") { table.array("x") }
        expect<BundleException>("x.json: y: missing") { table.array("y") }
        expect<BundleException>("x.json: expected an object, found an array of length 0") {
            Table(emptyList<Any>(), "x.json")
        }
    }

    @Test
    fun pathsAreRestrictedToTheBundle() {
        val good = listOf("a", "model.onnx", "tfjs/model.json", "A_b-c.d/e..f", "_")
        for (path in good) assertEquals(path, pathTable(path).path("p"))
        val bad = listOf(
            "", ".", "..", "../a", "a/..", "a/../b", "/a", "a/", "a//b", "./a", "a/./b", "a\\b", "C:a", "a b",
            "a\n", ".hidden", "-a", "a/.b", "é", "a\u0000", "~", "%2e%2e/a", "file:a", "a".repeat(256),
        )
        for (path in bad) {
            val table = pathTable(path)
            expect<BundleException>("expected a relative path inside the bundle") { table.path("p") }
        }
    }

    private fun pathTable(path: String) = Table(mapOf("p" to path), "x.json")

    private fun read(text: String) = parseJson(text.toByteArray(), "x.json")
}
