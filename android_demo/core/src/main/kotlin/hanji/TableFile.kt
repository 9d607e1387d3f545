package hanji

import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.CharBuffer
import java.nio.IntBuffer
import java.nio.LongBuffer

/** Whether a path of ids or items is that of a table file; the others are JSON. */
internal fun isTableFile(path: String): Boolean = path.endsWith(".table")

/** Reads a table of [count] user ids; BundleException naming the section if it is malformed. */
internal fun readIds(content: ByteArray, count: Int, where: String): Ids {
    val table = TableFile(content, where, "ids", count)
    return table.ids("user").also { table.end() }
}

/** Reads a table of [count] items; BundleException naming the section if it is malformed. */
internal fun readItems(content: ByteArray, count: Int, where: String): Items {
    val table = TableFile(content, where, "items", count)
    val items = Items(table.ids("item"), table.titles(), table.genres(), table.popularity())
    return items.also { table.end() }
}

/**
 * A table file whose sections are read one after another: ids, titles, genres and popularity in binary.
 *
 * Like `hanji.runtime.table_file`; docs/table-files.md describes the format. Everything that a reader relies
 * on is checked when a table is opened, without copies of its columns.
 */
private class TableFile(content: ByteArray, private val where: String, contents: String, count: Int) {
    private val bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN)
    private var position = HEADER_BYTES.toLong()
    private val kind: Long
    private val rows: Int = count
    private val sizes: Sizes

    init {
        if (content.size < HEADER_BYTES) fail("header", "$HEADER_BYTES bytes", content.size)
        if (String(content, 0, MAGIC.length, Charsets.ISO_8859_1) != MAGIC) {
            fail("header", "a table file, which begins with '$MAGIC'", "other bytes")
        }
        val fields = LongArray(10) { bytes.getInt(MAGIC.length + 4 * it).toLong() and 0xFFFFFFFFL }
        if (fields[0] != VERSION) {
            fail("version", "$VERSION, the only one that this version of hanji reads", fields[0])
        }
        val expected = if (contents == "ids") 1L else 2L
        if (fields[1] != expected) fail("contents", "$expected ($contents)", fields[1])
        if (fields[3] != count.toLong()) fail("rows", "$count (the manifest's count)", fields[3])
        kind = fields[2]
        sizes = Sizes(fields[4], fields[5], fields[6], fields[7], fields[8], fields[9])
    }

    fun ids(name: String): Ids = when (kind) {
        CONSECUTIVE -> consecutive(name)
        INTEGERS -> {
            val column = Integers(integers("ids", -MAX_INTEGER))
            val order = order { one, other -> column[one].compareTo(column[other]) }
            Ids(column, name) { id -> binarySearch(order) { row -> column[row].compareTo(id as Long) } }
        }
        TEXTS -> {
            val column = texts("ids", rows.toLong(), sizes.idBytes)
            val order = order(column::compare)
            Ids(column, name) { id ->
                val bytes = (id as String).toByteArray()
                // A lone surrogate is encoded as a question mark.
                binarySearch(order) { row -> column.compare(row, bytes) }?.takeIf { column[it] == id }
            }
        }
        else -> fail("kind of ids", "0, 1 or 2", kind)
    }

    fun titles(): Texts = texts("titles", rows.toLong(), sizes.titleBytes)

    fun genres(): TextLists {
        val lists = indices("genres", rows.toLong(), sizes.lists)
        val offsets = offsets("genre lists", sizes.lists, sizes.members)
        val members = indices("genre lists", sizes.members, sizes.names)
        return TextLists(lists, offsets, members, texts("genre names", sizes.names, sizes.nameBytes))
    }

    fun popularity(): LongArray {
        val counts = integers("popularity", 0)
        return LongArray(rows) { counts[it] }
    }

    /** Checks that the file ends here. */
    fun end() {
        if (position != bytes.limit().toLong()) {
            fail("size", "$position bytes, according to its header", bytes.limit())
        }
    }

    private fun consecutive(name: String): Ids {
        val first = bytes.getLong(FIRST_ID)
        if (first !in -MAX_INTEGER..MAX_INTEGER || first + rows - 1 > MAX_INTEGER) {
            fail("first id", "ids within ±$MAX_INTEGER", first)
        }
        val ids = Consecutive(first, rows)
        return Ids(ids, name) { id -> ids.find(id as Long) }
    }

    /** The rows by ascending id, after a check that the ids are sorted by them and unique. */
    private fun order(compare: (Int, Int) -> Int): IntBuffer {
        val order = indices("order of ids", rows.toLong(), rows.toLong())
        for (index in 1 until rows) {
            if (compare(order[index - 1], order[index]) >= 0) {
                fail("ids", "unique ids in the order that the table states", "others")
            }
        }
        return order
    }

    private fun texts(name: String, count: Long, size: Long): Texts {
        val offsets = offsets(name, count, size)
        val content = section(name, size)
        checkText(name, offsets, content)
        return Texts(offsets, content)
    }

    /** Checks that the content is UTF-8 and that no offset is inside a character. */
    private fun checkText(name: String, offsets: IntBuffer, content: ByteBuffer) {
        val decoder = Charsets.UTF_8.newDecoder()
        val input = content.duplicate()
        val output = CharBuffer.allocate(BLOCK)
        do {
            (output as Buffer).clear()
            val result = decoder.decode(input, output, true)
            if (result.isError) fail(name, "UTF-8", "other bytes")
        } while (result.isOverflow)
        for (index in 0 until offsets.limit()) {
            val offset = offsets[index]
            if (offset < content.limit() && content[offset].toInt() and 0xC0 == 0x80) {
                fail(name, "strings of whole characters", "an offset inside a character")
            }
        }
    }

    private fun offsets(name: String, count: Long, size: Long): IntBuffer {
        val offsets = section("offsets of $name", 4 * (count + 1)).asIntBuffer()
        val last = offsets.limit() - 1
        // As Ints: after 0, an offset above the largest Int is a negative one, and not ascending.
        val isAscending = (0 until last).all { offsets[it] <= offsets[it + 1] }
        if (offsets[0] != 0 || offsets[last].toLong() != size || !isAscending) {
            fail("offsets of $name", "ascending offsets from 0 to $size", "others")
        }
        return offsets
    }

    /** Numbers from 0 to [limit] - 1. */
    private fun indices(name: String, count: Long, limit: Long): IntBuffer {
        val indices = section(name, 4 * count).asIntBuffer()
        if ((0 until indices.limit()).any { indices[it].toLong() and 0xFFFFFFFFL >= limit }) {
            fail(name, "integers from 0 to ${limit - 1}", "others")
        }
        return indices
    }

    private fun integers(name: String, smallest: Long): LongBuffer {
        val integers = section(name, 8L * rows).asLongBuffer()
        if ((0 until integers.limit()).any { integers[it] !in smallest..MAX_INTEGER }) {
            fail(name, "integers from $smallest to $MAX_INTEGER", "others")
        }
        return integers
    }

    private fun section(name: String, size: Long): ByteBuffer {
        val start = position
        if (start + size > bytes.limit()) {
            fail(name, "$size bytes from byte $start on", maxOf(bytes.limit() - start, 0))
        }
        position = (start + size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT
        val section = bytes.duplicate()
        (section as Buffer).limit((start + size).toInt()).position(start.toInt())
        return section.slice().order(ByteOrder.LITTLE_ENDIAN)
    }

    private fun fail(name: String, expected: String, found: Any): Nothing =
        throw BundleException("$where: $name: expected $expected, found $found; $EXPORT_AGAIN")

    private class Sizes(
        val lists: Long,
        val members: Long,
        val names: Long,
        val idBytes: Long,
        val titleBytes: Long,
        val nameBytes: Long,
    )

    private companion object {
        const val MAGIC = "hanjitab"
        const val VERSION = 1L
        const val HEADER_BYTES = 56
        const val FIRST_ID = 48
        const val CONSECUTIVE = 0L
        const val INTEGERS = 1L
        const val TEXTS = 2L
        const val ALIGNMENT = 8
        const val BLOCK = 1 shl 16
    }
}
