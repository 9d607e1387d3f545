package hanji

/**
 * Bilinear resizing in integer arithmetic, byte for byte like Pillow's `resize(…, BILINEAR)`.
 *
 * Resizes columns first, then rows, with 8-bit values in between; a pass that would not change the size is
 * skipped. `hanji.runtime.images.resizing` specifies the arithmetic; doubles are IEEE 754 without fused
 * operations. ImageException if the intermediate image would exceed the maximum array size.
 */
internal fun resized(pixels: Pixels, width: Int, height: Int): Pixels {
    val intermediateBytes = width.toLong() * pixels.height * pixels.channels
    if (intermediateBytes > Int.MAX_VALUE) {
        throw ImageException(
            "pixels: ${pixels.width} × ${pixels.height} cannot be resized to $width × $height: the " +
                "intermediate image has $intermediateBytes bytes; crop or shrink the image first"
        )
    }
    val columns = if (pixels.width == width) pixels else withWidth(pixels, width)
    return if (columns.height == height) columns else withHeight(columns, height)
}

private fun withWidth(pixels: Pixels, width: Int): Pixels {
    val taps = Taps(pixels.width, width)
    val channels = pixels.channels
    val result = ByteArray(width * pixels.height * channels)
    var written = 0
    for (row in 0 until pixels.height) {
        val start = row * pixels.width * channels
        for (target in 0 until width) {
            val first = start + taps.first[target] * channels
            for (channel in 0 until channels) {
                result[written++] = taps.convolved(pixels.data, target, first + channel, channels)
            }
        }
    }
    return Pixels(result, width, pixels.height, channels)
}

private fun withHeight(pixels: Pixels, height: Int): Pixels {
    val taps = Taps(pixels.height, height)
    val rowBytes = pixels.width * pixels.channels
    val result = ByteArray(height * rowBytes)
    var written = 0
    for (target in 0 until height) {
        val first = taps.first[target] * rowBytes
        for (offset in 0 until rowBytes) {
            result[written++] = taps.convolved(pixels.data, target, first + offset, rowBytes)
        }
    }
    return Pixels(result, pixels.width, height, pixels.channels)
}

/** Filter taps for resizing [length] to [targets] pixels; weights have 22 fractional bits. */
private class Taps(private val length: Int, targets: Int) {
    private val scale = length.toDouble() / targets
    private val support = maxOf(scale, 1.0)

    /** The first source pixel of each target pixel. */
    val first = IntArray(targets) { maxOf(0, (centre(it) - support + 0.5).toInt()) }
    private val weights = Array(targets) { weights(it) }

    /** The value of one target pixel, from the bytes of [data] at [start] and then [step] apart. */
    fun convolved(data: ByteArray, target: Int, start: Int, step: Int): Byte {
        var total = 1 shl (BITS - 1)
        var at = start
        for (weight in weights[target]) {
            total += weight * (data[at].toInt() and 255)
            at += step
        }
        return minOf(total shr BITS, 255).toByte()
    }

    private fun centre(target: Int): Double = (target + 0.5) * scale

    private fun weights(target: Int): IntArray {
        val centre = centre(target)
        val end = minOf(length, (centre + support + 0.5).toInt())
        val step = 1 / support
        val coefficients = DoubleArray(end - first[target]) {
            maxOf(0.0, 1 - Math.abs(((first[target] + it) - centre + 0.5) * step))
        }
        var sum = 0.0
        for (coefficient in coefficients) sum += coefficient
        return IntArray(coefficients.size) { Math.floor(0.5 + coefficients[it] / sum * (1 shl BITS)).toInt() }
    }

    private companion object {
        const val BITS = 22
    }
}
