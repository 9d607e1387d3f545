package hanji

/**
 * Numbers with a shape. [data] is a FloatArray (float32), an IntArray (int32) or a ByteArray (uint8, int8).
 *
 * Whoever makes one keeps [shape] and [data] in agreement: `data` has as many numbers as the shape's product.
 */
class Tensor(val dtype: String, val shape: IntArray, val data: Any) {

    /** As float32; EngineException, calling it [what], if it holds anything else. */
    internal fun floats(what: String): FloatArray =
        data as? FloatArray ?: throw EngineException("$what: expected float32, found $dtype")

    internal companion object {
        /** int32 [n]. */
        fun of(vararg indices: Int) = Tensor("int32", intArrayOf(indices.size), indices)

        /**
         * Zeros where every size that may be any is 1; EngineException for a dtype that this app does not
         * use.
         */
        fun zeros(info: TensorInfo): Tensor {
            val shape = IntArray(info.shape.size) { info.shape[it] ?: 1 }
            return Tensor(info.dtype, shape, arrayOf(info.dtype, countOf(shape)))
        }

        /** How many numbers there are in a [shape]. */
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
