package hanji

/**
 * [pixels] in another size: bilinear in integers, the same bytes as Pillow's `resize(…, BILINEAR)`.
 *
 * Columns first, then rows. Each pass ends in 8-bit levels, and a pass that keeps the length is left out.
 * `hanji.runtime.images.resizing` says the arithmetic number by number; doubles are IEEE 754, nothing is fused.
 * PictureException for a picture so long and thin that what lies between the passes is beyond an array.
 */
internal fun resized(pixels: Pixels, width: Int, height: Int): Pixels {
    val between = width.toLong() * pixels.height * pixels.channels
    if (between > Int.MAX_VALUE) {
        throw PictureException(
            "pixels: ${pixels.width} × ${pixels.height} cannot be scaled to $width × $height: between the " +
                "two lie $between bytes; cut or shrink the picture first"
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
                result[written++] = taps.mixed(pixels.data, target, first + channel, channels)
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
        for (at in 0 until rowBytes) result[written++] = taps.mixed(pixels.data, target, first + at, rowBytes)
    }
    return Pixels(result, pixels.width, height, pixels.channels)
}

/** Which of [length] pixels make each of [targets] pixels, and with which weights of 22 fractional bits. */
private class Taps(private val length: Int, targets: Int) {
    private val scale = length.toDouble() / targets
    private val spread = maxOf(scale, 1.0)

    /** The first pixel that is mixed into each target. */
    val first = IntArray(targets) { maxOf(0, (centre(it) - spread + 0.5).toInt()) }
    private val weights = Array(targets) { weights(it) }

    /** The level of one target, mixed from bytes of [data] from [start] on, [step] apart. */
    fun mixed(data: ByteArray, target: Int, start: Int, step: Int): Byte {
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
        val end = minOf(length, (centre + spread + 0.5).toInt())
        val step = 1 / spread
        val shares = DoubleArray(end - first[target]) {
            maxOf(0.0, 1 - Math.abs(((first[target] + it) - centre + 0.5) * step))
        }
        var sum = 0.0
        for (share in shares) sum += share
        return IntArray(shares.size) { Math.floor(0.5 + shares[it] / sum * (1 shl BITS)).toInt() }
    }

    private companion object {
        const val BITS = 22
    }
}
