package hanji.engines

import hanji.EXPORT_AGAIN
import hanji.EngineException
import hanji.quoted
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Locale

/** Elements of a tensor: 1 GiB of float32. */
internal const val LARGEST_TENSOR = 1 shl 28

/** A size in messages, with its thousands separated. */
internal fun grouped(size: Double): String = String.format(Locale.ROOT, "%,.0f", size)

/**
 * Throws an EngineException for an .onnx file with content that a bundle may not have: an operator that is
 * not in [ONNX_OPERATORS], a graph in an operator, a function, text, a sequence, a sparse or optional value,
 * a tensor in another file, or too large a tensor. MalformedFileException if it is not a valid file.
 *
 * Like `hanji.runtime.engines.onnx_file`. Reads the wire format of protocol buffers; fields have their
 * numbers in onnx.proto.
 */
internal fun checkOnnx(content: ByteArray, path: String) {
    val problem = try {
        OnnxFile(content).problem()
    } catch (error: IndexOutOfBoundsException) {
        throw MalformedFileException("the file is truncated", error)
    }
    if (problem != null) throw EngineException("$path: $problem, and $EXPORT_AGAIN")
}

/** The content of a model file does not follow its format. */
internal class MalformedFileException(override val message: String, cause: Exception? = null) :
    Exception(message, cause)

/** A field: its number, and the start and end of its bytes, or its integer, with an end of -1. */
private class Field(val number: Int, val first: Int, val last: Int, val value: Long = 0) {
    val isInteger: Boolean get() = last < 0
}

private class OnnxFile(private val data: ByteArray) {
    private val tensors = HashMap<String, Field>()

    /** The names of tensors with the shape of what an operator makes, and one of those operators. */
    private val shapes = HashMap<String, String>()

    /** What the file should not contain, with what to do about it; null if there is nothing. */
    fun problem(): String? {
        val waiting = ArrayList<Pair<String, Field>>()
        waiting.add("model" to Field(0, 0, data.size))
        while (waiting.isNotEmpty()) {
            val (message, field) = waiting.removeAt(waiting.size - 1)
            val fields = parts(field)
            val found = when (message) {
                "node" -> ofNode(fields)
                "tensor" -> ofTensor(field, fields)
                else -> null
            }
            (found ?: refused(message, fields))?.let { return it }
            val kinds = PARTS.getValue(message)
            for (part in fields) if (!part.isInteger) kinds[part.number]?.let { waiting.add(it to part) }
        }
        for ((name, operator) in shapes) {
            val size = product(name)
            if (size > LARGEST_TENSOR) {
                return "$operator makes ${grouped(size)} elements, more than " +
                    "${grouped(LARGEST_TENSOR.toDouble())}; build the model without it"
            }
        }
        return null
    }

    private fun refused(message: String, fields: List<Field>): String? {
        for (field in fields) {
            if (field.isInteger && field.number == TYPES[message] && field.value == TEXT) {
                return "it computes with text, $REMEDY"
            }
            if (message == "attribute" && field.number == 3 && field.value.toInt().toLong() != field.value) {
                return "an attribute has more than 32 bits; build the model without it"
            }
            val refused = REFUSED[message]?.get(field.number)?.takeIf { !field.isInteger } ?: continue
            return "it contains $refused, $REMEDY"
        }
        return null
    }

    private fun ofNode(fields: List<Field>): String? {
        val names = Array(8) { "" }
        for (field in fields) if (field.number in NAMES) names[field.number] = text(field)
        val operator = names[4]
        val domain = if (names[7] == "ai.onnx") "" else names[7]
        if (ALLOWED[domain]?.contains(operator) != true) {
            val named = if (domain.isEmpty()) operator else "$domain.$operator"
            return "it contains the operator $named, $REMEDY"
        }
        if (operator == "Constant") {
            for (attribute in fields) if (attribute.number == 5) {
                for (part in parts(attribute)) if (part.number == 5) tensors[names[2]] = part
            }
        }
        if (operator in COMPLETE && fields.any { it.number == 1 && it.first == it.last }) {
            return "an input of $operator is left out; build the model without it"
        }
        if (operator in SHAPED) shapes[names[1]] = operator
        return null
    }

    private fun ofTensor(tensor: Field, fields: List<Field>): String? {
        var name = ""
        var path = ""
        var isExternal = false
        for (field in fields) when (field.number) {
            NAME -> name = text(field)
            DATA_LOCATION -> isExternal = isExternal || field.isInteger && field.value != 0L
            EXTERNAL_DATA -> if (!field.isInteger) {
                isExternal = true
                val entry = Array(3) { "" }
                for (part in parts(field)) if (part.number < 3) entry[part.number] = text(part)
                if (entry[1] == "location") path = entry[2]
            }
        }
        tensors[name] = tensor
        if (!isExternal) return null
        return "the values of tensor ${quoted(name)} are in another file, ${quoted(path)}, which the " +
            "bundle does not vouch for; save the model with all tensors in one file"
    }

    /** The product of the integers in the tensor [name]; 0 if they are not constant. */
    private fun product(name: String): Double {
        val tensor = tensors[name] ?: return 0.0
        var product = 1.0
        var isEmpty = true
        for (field in parts(tensor)) {
            if (field.isInteger) continue
            if (field.number == RAW) {
                val raw = ByteBuffer.wrap(data, field.first, field.last - field.first)
                raw.order(ByteOrder.LITTLE_ENDIAN)
                while (raw.remaining() >= 8) {
                    product *= raw.getLong()
                    isEmpty = false
                }
            } else if (field.number == INTEGERS) {
                val reader = Reader(field.first)
                while (reader.at < field.last) {
                    product *= reader.varint()
                    isEmpty = false
                }
            }
        }
        return if (isEmpty) 0.0 else product
    }

    private fun text(field: Field): String =
        if (field.isInteger) "" else String(data, field.first, field.last - field.first, Charsets.UTF_8)

    /** The fields of a message. */
    private fun parts(message: Field): List<Field> {
        val found = ArrayList<Field>()
        val reader = Reader(message.first)
        while (reader.at < message.last) {
            if (found.size == MOST) throw MalformedFileException("a message of more than $MOST fields")
            found.add(reader.field(message.last))
        }
        return found
    }

    /** Reads fields from a position on; IndexOutOfBoundsException at the end of the file. */
    private inner class Reader(var at: Int) {
        fun field(end: Int): Field {
            val key = varint()
            val number = (key ushr 3).toInt()
            return when ((key and 7).toInt()) {
                VARINT -> Field(number, 0, -1, varint())
                FIXED64 -> Field(number, 0, -1).also { skip(8, end) }
                FIXED32 -> Field(number, 0, -1).also { skip(4, end) }
                BYTES -> {
                    val size = varint()
                    val first = at
                    skip(size, end)
                    Field(number, first, at)
                }
                else -> throw MalformedFileException("an unexpected type of field at byte $at")
            }
        }

        fun varint(): Long {
            var value = 0L
            for (shift in 0 until 70 step 7) {
                val byte = data[at++].toInt()
                value = value or ((byte and 127).toLong() shl shift)
                if (byte >= 0) return value
            }
            throw MalformedFileException("an integer of more than ten bytes at byte $at")
        }

        private fun skip(size: Long, end: Int) {
            if (size < 0 || size > end - at) throw MalformedFileException("a field ends after its message")
            at += size.toInt()
        }
    }

    private companion object {
        val ALLOWED = ONNX_OPERATORS.mapValues { words(it.value) }

        /** The words of a text. Kotlin's `split` and what it needs would be a twentieth of this library. */
        fun words(text: String): Set<String> {
            val found = HashSet<String>()
            var start = 0
            for (at in 0..text.length) {
                if (at < text.length && text[at] > ' ') continue
                if (at > start) found.add(text.substring(start, at))
                start = at + 1
            }
            return found
        }

        /** Of each message, the fields that are checked, and the messages in them. */
        val PARTS = mapOf(
            "model" to mapOf(7 to "graph"),
            "graph" to mapOf(1 to "node", 5 to "tensor", 11 to "value", 12 to "value"),
            "node" to mapOf(5 to "attribute"),
            "attribute" to mapOf(5 to "tensor", 10 to "tensor"),
            "value" to mapOf(2 to "type"),
            "type" to mapOf(1 to "tensor type"),
            "tensor type" to emptyMap(),
            "tensor" to emptyMap(),
        )

        /** Fields that no model in a bundle needs. */
        val REFUSED = mapOf(
            "model" to mapOf(20 to "training steps", 25 to "a function"),
            "graph" to mapOf(15 to "a sparse tensor"),
            "attribute" to mapOf(
                6 to "a graph in an operator", 11 to "graphs in an operator", 22 to "a sparse tensor"
            ),
            "type" to mapOf(
                4 to "a sequence", 5 to "a map", 8 to "a sparse tensor", 9 to "an optional value"
            ),
        )
        val TYPES = mapOf("tensor type" to 1, "tensor" to 2)
        val SHAPED = setOf("ConstantOfShape", "Expand")

        /** Operators for which ONNX Runtime reads inputs that are left out. */
        val COMPLETE = setOf("LayerNormalization", "Max", "Mean", "Min", "Sum")

        const val REMEDY = "which no bundle may; build the model without it"

        /** Of the fields of an operator, those that are texts: its ends, kind and domain. */
        val NAMES = setOf(1, 2, 4, 7)

        /** Fields of a message, such as the operators of a graph. */
        const val MOST = 1 shl 19
        const val TEXT = 8L
        const val NAME = 8
        const val INTEGERS = 7
        const val RAW = 9
        const val EXTERNAL_DATA = 13
        const val DATA_LOCATION = 14
        const val VARINT = 0
        const val FIXED64 = 1
        const val BYTES = 2
        const val FIXED32 = 5
    }
}
