package hanji

/**
 * Turns prepared pictures into the tensor that a model takes.
 *
 * Where the graph normalizes, levels go in as they are. Else every level of every channel has its number,
 * computed once in doubles: x = (level - mean) / std, for float32 rounded to it, for uint8 and int8
 * round(x / scale) + zero point (halves to the even neighbour) within the range of the dtype.
 */
internal class PictureTensor(private val picture: PictureInput, private val info: TensorInfo) {
    private val shape = intArrayOf(1, picture.height, picture.width, picture.channels)
    /** The number of each level of each channel, [channels · 256]. */
    private val numbers = DoubleArray(picture.channels * LEVELS) { at ->
        if (picture.normalizedBy == "graph") (at % LEVELS).toDouble() else number(at / LEVELS, at % LEVELS)
    }

    /** The tensor [1, height, width, channels] for [levels] (uint8, row by row). */
    fun of(levels: ByteArray): Tensor {
        if (info.dtype == "uint8" && picture.normalizedBy == "graph") return Tensor(info.dtype, shape, levels)
        val data = Tensor.arrayOf(info.dtype, levels.size)
        for (at in levels.indices) {
            val number = numbers[at % picture.channels * LEVELS + (levels[at].toInt() and 255)]
            when (data) {
                is FloatArray -> data[at] = number.toFloat()
                is IntArray -> data[at] = number.toInt()
                is ByteArray -> data[at] = number.toInt().toByte()
            }
        }
        return Tensor(info.dtype, shape, data)
    }

    private fun number(channel: Int, level: Int): Double {
        val value = (level - picture.mean[channel]) / picture.std[channel]
        val zeroPoint = info.zeroPoint
        if (info.dtype == "float32" || info.scale == null || zeroPoint == null) return value
        val smallest = if (info.dtype == "int8") -128.0 else 0.0
        return minOf(maxOf(Math.rint(value / info.scale) + zeroPoint, smallest), smallest + 255)
    }

    private companion object {
        const val LEVELS = 256
    }
}

/**
 * What the numbers of a [tensor], described by [info], stand for: (value - zero point) · scale, as float32.
 */
internal fun dequantized(tensor: Tensor, info: TensorInfo): FloatArray {
    val data = tensor.data
    if (data !is ByteArray) return tensor.floats("the output '${info.name}'")
    val mask = if (info.dtype == "uint8") 255 else -1
    val scale = info.scale ?: 1.0 // the manifest was refused if an integer output had none
    val zeroPoint = info.zeroPoint ?: 0
    return FloatArray(data.size) { (((data[it].toInt() and mask) - zeroPoint.toDouble()) * scale).toFloat() }
}

/**
 * Probabilities, float32 [classes], from a model's outputs, float32 [classes]: see [Probabilities].
 *
 * Softmax is computed in doubles, the largest output subtracted first.
 */
internal fun probabilitiesOf(outputs: FloatArray, rule: Probabilities): FloatArray {
    if (rule.source != "softmax") return outputs
    val largest = outputs.fold(Float.NEGATIVE_INFINITY) { left, right -> maxOf(left, right) }
    val powers = DoubleArray(outputs.size) { Math.exp((outputs[it].toDouble() - largest) / rule.temperature) }
    val sum = powers.sum()
    return FloatArray(outputs.size) { (powers[it] / sum).toFloat() }
}
