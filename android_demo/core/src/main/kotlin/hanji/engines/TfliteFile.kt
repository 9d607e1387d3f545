package hanji.engines

import hanji.EXPORT_AGAIN
import hanji.EngineException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Throws an EngineException for a .tflite file with content that a bundle may not have: an operator that is
 * refused or unknown, a graph without a signature, text, a resource, or too large a tensor. With [edgeTpu],
 * the operator of the Edge TPU compiler may occur. MalformedFileException if it is not a valid file.
 *
 * Like `hanji.runtime.engines.tflite_file`. Fields have their numbers in the order of schema.fbs.
 */
internal fun checkTflite(content: ByteArray, path: String, edgeTpu: Boolean = false) {
    val problem = try {
        TfliteFile(Flatbuffer(content), edgeTpu).problem()
    } catch (error: IndexOutOfBoundsException) {
        throw MalformedFileException("an offset in the file points outside of it", error)
    }
    if (problem == null) return
    val advice = "build the model without it, and $EXPORT_AGAIN"
    throw EngineException("$path: $problem, which no bundle may; $advice")
}

/** Reads tables at positions; IndexOutOfBoundsException for one that is not inside the file. */
private class Flatbuffer(content: ByteArray) {
    private val data = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN)
    private var entriesLeft = MOST

    fun table(position: Int): Int = checked(position + unsigned(position))

    /** An int32 in a table; 0 by default. */
    fun int(table: Int, number: Int): Int = field(table, number).let { if (it == 0) 0 else data.getInt(it) }

    /** A byte in a table; 0 by default. */
    fun byte(table: Int, number: Int): Int =
        field(table, number).let { if (it == 0) 0 else data.get(it).toInt() }

    /** The position of a table in a table; MalformedFileException if there is none. */
    fun child(table: Int, number: Int): Int {
        val position = field(table, number)
        if (position == 0) throw MalformedFileException("a table is missing")
        return table(position)
    }

    /** Whether a vector of bytes, of any length, has some; MalformedFileException if it is too long. */
    fun hasBytes(table: Int, number: Int): Boolean {
        val start = vector(table, number)
        val count = count(start)
        if (count > data.limit() - start - 4) throw MalformedFileException("a constant ends after the file")
        return count > 0
    }

    /** The numbers in a vector. */
    fun ints(table: Int, number: Int): IntArray {
        val start = vector(table, number)
        return IntArray(entries(start)) { data.getInt(start + 4 + 4 * it) }
    }

    /** The bytes in a vector. */
    fun bytes(table: Int, number: Int): ByteArray {
        val start = vector(table, number)
        return ByteArray(entries(start)) { data.get(start + 4 + it) }
    }

    /** The positions of the tables in a vector. */
    fun tables(table: Int, number: Int): List<Int> {
        val start = vector(table, number)
        return List(entries(start)) { table(start + 4 + 4 * it) }
    }

    private fun entries(start: Int): Int {
        val count = count(start)
        entriesLeft -= count
        if (entriesLeft < 0) throw MalformedFileException("lists of more than $MOST entries")
        return count.toInt()
    }

    private fun count(start: Int): Long = if (start == 0) 0 else unsigned(start)

    private fun vector(table: Int, number: Int): Int =
        field(table, number).let { if (it == 0) 0 else table(it) }

    /** The position of a field, 0 if the table does not have it. */
    private fun field(table: Int, number: Int): Int {
        val slots = checked(table.toLong() - data.getInt(table))
        val slot = 4 + 2 * number
        val offset = if (slot < short(slots)) short(slots + slot) else 0
        return if (offset == 0) 0 else table + offset
    }

    private fun short(position: Int): Int = data.getShort(position).toInt() and 0xFFFF

    private fun unsigned(position: Int): Long = data.getInt(position).toLong() and 0xFFFFFFFFL

    private fun checked(position: Long): Int {
        if (position < 0 || position >= data.limit()) throw IndexOutOfBoundsException("$position")
        return position.toInt()
    }

    private companion object {
        /** Entries of all lists of a file, which tables may share. */
        const val MOST = 1L shl 19
    }
}

private class TfliteFile(private val file: Flatbuffer, private val edgeTpu: Boolean) {
    private val model = file.table(0)
    private val kinds = ArrayList<Int>()
    private val constants = file.tables(model, 4)
    private val filled = constants.map { file.hasBytes(it, 0) || file.int(it, 1) != 0 }

    /** What the file does that it should not; null if there is nothing. */
    fun problem(): String? {
        for (code in file.tables(model, 1)) {
            val kind = maxOf(file.byte(code, 0), file.int(code, 3))
            val custom = if (kind == CUSTOM) String(file.bytes(code, 1), Charsets.UTF_8) else ""
            val isAllowed = kind !in TFLITE_REFUSED || edgeTpu && custom == EDGE_TPU
            if (kind !in 0 until TFLITE_END || !isAllowed) {
                return "it contains the operator ${TFLITE_REFUSED[kind] ?: kind} $custom".trimEnd()
            }
            kinds.add(kind)
        }
        val graphs = file.tables(model, 2)
        val signatures = HashSet<Int>()
        for (signature in file.tables(model, 7)) {
            val graph = file.int(signature, 4)
            signatures.add(graph)
            val tensors = file.tables(entry(graph, graphs), 0)
            val ends = file.tables(signature, 0) + file.tables(signature, 1)
            for (end in ends) entry(file.int(end, 1), tensors)
        }
        if (graphs.size != maxOf(1, signatures.size)) {
            return "it contains ${graphs.size} graphs for ${signatures.size} signatures"
        }
        for (graph in graphs) ofGraph(graph)?.let { return it }
        return null
    }

    private fun ofGraph(graph: Int): String? {
        val tensors = file.tables(graph, 0)
        val sizes = tensors.mapTo(ArrayList()) { product(file.ints(it, 0).map(Int::toLong)) }
        val known = tensors.mapIndexedTo(ArrayList()) { index, tensor ->
            entry(file.int(tensor, 2), filled) || sizes[index] == 0.0 || file.byte(tensor, 5) != 0
        }
        set(known, file.ints(graph, 1))
        for (operator in file.tables(graph, 3)) {
            val kind = entry(file.int(operator, 0), kinds)
            val inputs = file.ints(operator, 1)
            expectKnown(inputs, known, kind)
            val outputs = file.ints(operator, 2)
            set(known, outputs)
            val isSplit = kind != SPLIT || splits(operator) == outputs.size
            if (outputs.isEmpty() || inputs.size < (FEWEST[kind] ?: 0) || !isSplit) {
                throw MalformedFileException("tensors of operator $kind are missing")
            }
            if (kind in SCALED) expectScales(kind, (inputs + outputs[0]).map { entry(it, tensors) })
            val shape = SHAPED[kind]?.let { entry(entry(it, inputs.toList()), tensors) } ?: continue
            sizes.add(product(values(shape)))
        }
        val outputs = file.ints(graph, 2)
        if (outputs.isEmpty()) throw MalformedFileException("a graph has no outputs")
        expectKnown(outputs, known)
        for (tensor in tensors) TYPES[file.byte(tensor, 1)]?.let { return "it computes with $it" }
        val size = sizes.fold(0.0, Math::max)
        if (size <= LARGEST_TENSOR) return null
        val limit = grouped(LARGEST_TENSOR.toDouble())
        return "it makes a tensor of ${grouped(size)} elements, more than $limit"
    }

    private fun splits(operator: Int): Int =
        if (file.byte(operator, 3) == SPLIT_OPTIONS) file.int(file.child(operator, 4), 0) else 0

    /** MalformedFileException for tensors of 8 or 16 bits with scales that LiteRT aborts for. */
    private fun expectScales(kind: Int, tensors: List<Int>) {
        val scales = tensors.filter { file.byte(it, 1) in INTEGERS }.flatMap { tensor ->
            val found = file.ints(file.child(tensor, 4), 2).map { Float.fromBits(it) }
            found.ifEmpty { listOf(0f) }
        }
        val isUsable = scales.all { it > LEAST_SCALE && it < 1 / LEAST_SCALE }
        val isEven = kind !in SUMS || scales.all { it < LARGEST_RATIO * scales.last() }
        if (!isUsable || !isEven) throw MalformedFileException("a tensor has no usable scale")
    }

    /** The integers in the constant that is this tensor; 0 if there are none. */
    private fun values(tensor: Int): List<Long> {
        val content = ByteBuffer.wrap(file.bytes(entry(file.int(tensor, 2), constants), 0))
        content.order(ByteOrder.LITTLE_ENDIAN)
        val isLong = file.byte(tensor, 1) == INT64
        val count = content.limit() / (if (isLong) 8 else 4)
        if (count == 0) return listOf(0L)
        return List(count) { if (isLong) content.getLong(8 * it) else content.getInt(4 * it).toLong() }
    }

    private fun product(sizes: List<Long>): Double = Math.abs(sizes.fold(1.0) { all, size -> all * size })

    private fun set(known: MutableList<Boolean>, tensors: IntArray) {
        for (index in tensors) {
            entry(index, known)
            known[index] = true
        }
    }

    /** MalformedFileException for a tensor that an operator needs and that nothing has computed. */
    private fun expectKnown(tensors: IntArray, known: List<Boolean>, kind: Int = 0) {
        tensors.forEachIndexed { place, index ->
            val isLeftOut = index == LEFT_OUT && (place >= REQUIRED || kind in RECURRENT)
            if (!isLeftOut && !entry(index, known)) {
                throw MalformedFileException("tensor $index is read before it is computed")
            }
        }
    }

    /** The entry at [index]; MalformedFileException if there is none. */
    private fun <T> entry(index: Int, entries: List<T>): T {
        if (index in entries.indices) return entries[index]
        throw MalformedFileException("expected an index below ${entries.size}, found $index")
    }

    private companion object {
        /** The custom operator that stands for those that the Edge TPU compiler has replaced. */
        const val EDGE_TPU = "edgetpu-custom-op"
        const val CUSTOM = 32
        const val INT64 = 4

        /** FILL and BROADCAST_TO: which input is the shape of their output. */
        val SHAPED = mapOf(94 to 0, 130 to 1)

        /** The index of an input that is left out: one of the first two only by LSTM and RNN. */
        const val LEFT_OUT = -1
        val RECURRENT = setOf(16, 24, 35, 44, 46, 52)
        const val REQUIRED = 2
        const val SPLIT = 49
        const val SPLIT_OPTIONS = 35

        /** Inputs of STRIDED_SLICE, SPLIT, SLICE and BATCH_MATMUL, which LiteRT does not count. */
        val FEWEST = mapOf(45 to 4, SPLIT to 2, 65 to 3, 126 to 2)
        val SUMS = setOf(0, 41)

        /** ADD, SUB, comparisons, LOG, SQRT, RSQRT and others with scales that LiteRT does not check. */
        val SCALED = SUMS + setOf(58, 61, 62, 63, 71, 72, 73, 75, 76, 99, 114, 126)
        val INTEGERS = setOf(3, 7, 9)
        const val LEAST_SCALE = 1f / (1L shl 62)
        const val LARGEST_RATIO = 1 shl 14
        val TYPES = mapOf(5 to "text", 13 to "resources", 14 to "variants")
    }
}
