package hanji

import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

/** Table files: those that the Python runtime is tested with give the same columns and the same errors. */
class TableFileTest {
    private val cases = Table(TestData.pythonResults("table_files"), "table_files")
    private val tables = cases.tables("tables")

    @Test
    fun columnsAreThoseOfPython() {
        for (table in tables) {
            val columns = table.table("columns")
            val items = read(content(table))
            val ids = columns.ids("ids")
            assertEquals(ids, items.ids.values)
            assertEquals(columns.texts("titles"), items.titles)
            assertEquals(columns.array("genres"), items.genres)
            assertEquals(columns.array("popularity"), items.popularity.toList())
            assertEquals(listOf(0, 1, 2, 3, 4, 5), ids.map { items.ids.indexOf(it) })
            assertEquals(listOf(0, 1, 2, 3, 4, 5), ids.map { items.ids.indexOf(it.toString()) })
        }
    }

    @Test
    fun unknownIdsAreNotFound() {
        for (table in tables) {
            val ids = read(content(table)).ids
            for (id in listOf(4, -3, 8, "x", "aa", "03", "?", "\ud800", Long.MAX_VALUE, Long.MIN_VALUE)) {
                assertNull("$id", ids.indexOf(id))
            }
        }
    }

    @Test
    fun malformedTablesAreRejected() {
        for (case in cases.tables("malformed_texts")) {
            val content = content(tables.first { it.text("kind") == "texts" })
            val value = case.integer("value", 0, 0xFFFFFFFFL).toInt()
            val words = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN)
            words.putInt(case.integer("position", 0, 1000).toInt(), value)
            val message = "items.table: ${case.text("message")}; export the bundle again"
            val error = expect<BundleException> { read(content) }
            assertEquals(message, error.message)
        }
    }

    @Test
    fun malformedFilesAreRejected() {
        val texts = content(tables.first { it.text("kind") == "texts" })
        expect<BundleException>("header: expected 56 bytes, found 0") { read(ByteArray(0)) }
        expect<BundleException>("header: expected a table file") { read("{}".repeat(30).toByteArray()) }
        expect<BundleException>("popularity: expected 48 bytes from byte 296 on, found 40") {
            read(texts.copyOf(texts.size - 8))
        }
        expect<BundleException>("size: expected 344 bytes") { read(texts + ByteArray(8)) }
        expect<BundleException>("contents: expected 1 (ids), found 2") { parseUsers(texts, 6, "users.table") }
    }

    private fun content(table: Table): ByteArray = fromBase64(table.text("base64"))!!

    private fun read(content: ByteArray): Items = parseItems(content, 6, "items.table")
}
