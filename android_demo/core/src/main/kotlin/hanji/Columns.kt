package hanji

import java.nio.ByteBuffer
import java.nio.IntBuffer
import java.nio.LongBuffer

/** The [size] integers from [first] on. */
internal class Consecutive(private val first: Long, override val size: Int) : AbstractList<Long>() {
    override fun get(index: Int): Long = first + checked(index, size)

    /** The row of a value, or null if no row has it. */
    fun find(value: Long): Int? = if (value in first until first + size) (value - first).toInt() else null
}

/** A column of 64-bit integers. */
internal class Integers(private val values: LongBuffer) : AbstractList<Long>() {
    override val size: Int get() = values.limit()

    override fun get(index: Int): Long = values[checked(index, size)]
}

/** Strings in UTF-8, decoded when asked for: row i is [content] from `offsets[i]` to `offsets[i + 1]`. */
internal class Texts(
    private val offsets: IntBuffer,
    private val content: ByteBuffer,
) : AbstractList<String>() {
    override val size: Int get() = offsets.limit() - 1

    override fun get(index: Int): String {
        val start = offsets[checked(index, size)]
        val bytes = ByteArray(offsets[index + 1] - start)
        for (position in bytes.indices) bytes[position] = content[start + position]
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
        val list = lists[checked(index, size)]
        return (offsets[list] until offsets[list + 1]).map { names[members[it]] }
    }
}

/** The row in [order], rows by ascending value, for which [compare] is 0; it is negative for smaller ones. */
internal fun binarySearch(order: IntBuffer, compare: (Int) -> Int): Int? {
    var low = 0
    var high = order.limit()
    while (low < high) {
        val middle = low + high ushr 1
        if (compare(order[middle]) < 0) low = middle + 1 else high = middle
    }
    return if (low < order.limit() && compare(order[low]) == 0) order[low] else null
}

private fun checked(index: Int, size: Int): Int =
    if (index in 0 until size) index
    else throw IndexOutOfBoundsException("expected an index from 0 to ${size - 1}, found $index")
