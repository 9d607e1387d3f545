package hanji

/**
 * A tensor. [data] is a FloatArray (float32), an IntArray (int32) or a ByteArray (uint8, int8).
 *
 * The size of [data] must be the product of [shape]; this is not checked.
 */
class Tensor(val dtype: String, val shape: IntArray, val data: Any) {

    /** The data as float32; EngineException, naming the tensor [what], for another dtype. */
    internal fun floats(what: String): FloatArray =
        data as? FloatArray ?: throw EngineException("$what: expected float32, found $dtype")

    internal companion object {
        /** int32 [n]. */
        fun of(vararg indices: Int) = Tensor("int32", intArrayOf(indices.size), indices)

        /**
         * A tensor of zeros in which dynamic sizes are 1; EngineException for an unsupported dtype.
         */
        fun zeros(info: TensorInfo): Tensor {
            val shape = IntArray(info.shape.size) { info.shape[it] ?: 1 }
            return Tensor(info.dtype, shape, arrayOf(info.dtype, countOf(shape)))
        }

        /** The number of elements of a [shape]. */
        fun countOf(shape: IntArray): Int = shape.fold(1) { product, size -> product * size }

        /** An array of [size] zeros for [dtype]. */
        fun arrayOf(dtype: String, size: Int): Any = when (dtype) {
            "float32" -> FloatArray(size)
            "int32" -> IntArray(size)
            "uint8", "int8" -> ByteArray(size)
            else -> throw EngineException("expected float32, int32, uint8 or int8, found $dtype")
        }
    }
}
