package hanji

/**
 * Converts prepared images to input tensors.
 *
 * If the graph normalizes, pixel values are passed unchanged. Otherwise they are mapped by a lookup table per
 * channel, computed in float64: x = (value - mean) / std for float32, and round(x / scale) + zero point
 * (halves to even), clamped to the range of the dtype, for uint8 and int8.
 */
internal class ImageTensor(private val imageInput: ImageInput, private val info: TensorInfo) {
    private val shape = intArrayOf(1, imageInput.height, imageInput.width, imageInput.channels)
    /** The lookup table, [channels · 256]. */
    private val table = DoubleArray(imageInput.channels * VALUES) { index ->
        if (imageInput.normalizedBy == "graph") (index % VALUES).toDouble()
        else modelValue(index / VALUES, index % VALUES)
    }

    /** The tensor [1, height, width, channels] of [image] (uint8, row-major). */
    fun of(image: ByteArray): Tensor {
        val isUnchanged = info.dtype == "uint8" && imageInput.normalizedBy == "graph"
        if (isUnchanged) return Tensor(info.dtype, shape, image)
        val data = Tensor.arrayOf(info.dtype, image.size)
        for (index in image.indices) {
            val value = table[index % imageInput.channels * VALUES + (image[index].toInt() and 255)]
            when (data) {
                is FloatArray -> data[index] = value.toFloat()
                is IntArray -> data[index] = value.toInt()
                is ByteArray -> data[index] = value.toInt().toByte()
            }
        }
        return Tensor(info.dtype, shape, data)
    }

    private fun modelValue(channel: Int, pixelValue: Int): Double {
        val value = (pixelValue - imageInput.mean[channel]) / imageInput.std[channel]
        val zeroPoint = info.zeroPoint
        if (info.dtype == "float32" || info.scale == null || zeroPoint == null) return value
        val smallest = if (info.dtype == "int8") -128.0 else 0.0
        return minOf(maxOf(Math.rint(value / info.scale) + zeroPoint, smallest), smallest + 255)
    }

    private companion object {
        const val VALUES = 256
    }
}

/**
 * The real values of a quantized [tensor], described by [info]: (value - zero point) · scale, as float32.
 */
internal fun dequantized(tensor: Tensor, info: TensorInfo): FloatArray {
    val data = tensor.data
    if (data !is ByteArray) return tensor.floats("the output '${info.name}'")
    val mask = if (info.dtype == "uint8") 255 else -1
    val scale = info.scale ?: 1.0 // manifests with a quantized output without a scale are rejected
    val zeroPoint = info.zeroPoint ?: 0
    return FloatArray(data.size) { (((data[it].toInt() and mask) - zeroPoint.toDouble()) * scale).toFloat() }
}

/**
 * Probabilities, float32 [classes], from a model's outputs, float32 [classes]: see [Probabilities].
 *
 * Softmax is computed in float64, after subtracting the largest output.
 */
internal fun probabilitiesOf(outputs: FloatArray, rule: Probabilities): FloatArray {
    if (rule.source != "softmax") return outputs
    val largest = outputs.fold(Float.NEGATIVE_INFINITY) { left, right -> maxOf(left, right) }
    val powers = DoubleArray(outputs.size) { Math.exp((outputs[it].toDouble() - largest) / rule.temperature) }
    val sum = powers.sum()
    return FloatArray(outputs.size) { (powers[it] / sum).toFloat() }
}
