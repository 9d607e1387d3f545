package hanji

import java.nio.ByteBuffer
import java.nio.IntBuffer
import java.nio.LongBuffer

/** The [size] integers from [first] on. */
internal class Consecutive(private val first: Long, override val size: Int) : AbstractList<Long>() {
    override fun get(index: Int): Long = if (index in 0 until size) first + index else throw noIndex(index, size)

    fun find(value: Long): Int? = if (value - first in 0 until size.toLong()) (value - first).toInt() else null
}

/** A column of 64-bit integers. */
internal class Integers(private val values: LongBuffer) : AbstractList<Long>() {
    override val size: Int get() = values.limit()

    override fun get(index: Int): Long = if (index in 0 until size) values[index] else throw noIndex(index, size)
}

/** Strings in UTF-8: row i is [content] from `offsets[i]` to `offsets[i + 1]`, decoded when it is asked for. */
internal class Texts(private val offsets: IntBuffer, private val content: ByteBuffer) : AbstractList<String>() {
    override val size: Int get() = offsets.limit() - 1

    override fun get(index: Int): String {
        if (index !in 0 until size) throw noIndex(index, size)
        val bytes = ByteArray(offsets[index + 1] - offsets[index])
        for (position in bytes.indices) bytes[position] = content[offsets[index] + position]
        return String(bytes, Charsets.UTF_8)
    }

    /** Compares the bytes of a row with those of another one. */
    fun compare(row: Int, other: Int): Int =
        compare(row, content, offsets[other], offsets[other + 1])

    /** Compares the bytes of a row with [bytes]. */
    fun compare(row: Int, bytes: ByteArray): Int = compare(row, ByteBuffer.wrap(bytes), 0, bytes.size)

    private fun compare(row: Int, other: ByteBuffer, start: Int, end: Int): Int {
        val from = offsets[row]
        val length = offsets[row + 1] - from
        for (index in 0 until minOf(length, end - start)) {
            val difference = (content[from + index].toInt() and 255) - (other[start + index].toInt() and 255)
            if (difference != 0) return difference
        }
        return length - (end - start)
    }
}

/** Lists of strings that rows share: row i has the list `lists[i]`, list j the [names] of its [members]. */
internal class TextLists(
    private val lists: IntBuffer,
    private val offsets: IntBuffer,
    private val members: IntBuffer,
    private val names: Texts,
) : AbstractList<List<String>>() {
    override val size: Int get() = lists.limit()

    override fun get(index: Int): List<String> {
        if (index !in 0 until size) throw noIndex(index, size)
        val list = lists[index]
        return (offsets[list] until offsets[list + 1]).map { names[members[it]] }
    }
}

/** The row in [order], rows by ascending value, for which [compare] is 0; it is negative for smaller values. */
internal fun binarySearch(order: IntBuffer, compare: (Int) -> Int): Int? {
    var low = 0
    var high = order.limit()
    while (low < high) {
        val middle = low + high ushr 1
        if (compare(order[middle]) < 0) low = middle + 1 else high = middle
    }
    return if (low < order.limit() && compare(order[low]) == 0) order[low] else null
}

private fun noIndex(index: Int, size: Int) =
    IndexOutOfBoundsException("expected an index from 0 to ${size - 1}, found $index")
