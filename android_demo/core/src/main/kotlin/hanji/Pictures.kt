package hanji

/*
 * From any picture to the model's input, in integers: the same bytes as hanji.runtime.images.preparation gives, whose
 * text says every step; this follows it by number.
 */

/**
 * The model's input for one picture, uint8 [height · width · channels], row by row.
 *
 * 1. (16-bit levels do not come here.) 2. What is transparent shows the background, in each channel: (alpha
 * · level + (255 - alpha) · background + 127) / 255. 3. Colour for a grey model becomes ITU-R 601 luma:
 * (19595 · red + 38470 · green + 7471 · blue + 32768) >> 16; so does the background. 4. "stretch", "crop"
 * or "pad" to the size of the input, [resized] mixing levels. 5. Grey for a model of colour is repeated.
 *
 * What "crop" cuts off is cut off first of all, which changes no byte and saves work on large photos.
 */
fun prepare(pixels: Pixels, picture: PictureInput): ByteArray {
    val isCrop = picture.fit == "crop"
    val kept = if (isCrop) middle(pixels, picture) else Frame(0, 0, pixels.width, pixels.height)
    val whole = flattened(pixels, kept, picture)
    return if (picture.fit == "pad") {
        padded(whole, picture)
    } else {
        repeated(resized(whole, picture.width, picture.height), picture.channels).data
    }
}

/** A part of a picture. */
private class Frame(val left: Int, val top: Int, val width: Int, val height: Int)

/** What "crop" keeps: the largest middle part with the proportions of the input. */
private fun middle(pixels: Pixels, picture: PictureInput): Frame {
    val columns = pixels.width
    val rows = pixels.height
    val across = columns.toLong() * picture.height
    val down = rows.toLong() * picture.width
    if (across > down) {
        val kept = minOf(columns, maxOf(1, rounded(down, picture.height)))
        return Frame((columns - kept) / 2, 0, kept, rows)
    }
    if (across < down) {
        val kept = minOf(rows, maxOf(1, rounded(across, picture.width)))
        return Frame(0, (rows - kept) / 2, columns, kept)
    }
    return Frame(0, 0, columns, rows)
}

/** A part of a picture without alpha, and in grey if the model is; with 1 or 3 channels. */
private fun flattened(pixels: Pixels, part: Frame, picture: PictureInput): Pixels {
    val channels = if (picture.channels == 1) 1 else minOf(pixels.channels, 3)
    val result = ByteArray(part.width * part.height * channels)
    val colour = IntArray(3)
    var written = 0
    for (row in part.top until part.top + part.height) {
        var at = (row * pixels.width + part.left) * pixels.channels
        repeat(part.width) {
            written = flatten(pixels, at, picture, colour, result, written)
            at += pixels.channels
        }
    }
    return Pixels(result, part.width, part.height, channels)
}

/** Steps 2 and 3 for the pixel at [at]; where the next one is to be written. */
private fun flatten(
    pixels: Pixels,
    at: Int,
    picture: PictureInput,
    colour: IntArray,
    result: ByteArray,
    start: Int,
): Int {
    var next = start
    if (pixels.channels == 1) {
        result[next++] = pixels.data[at]
        return next
    }
    val alpha = if (pixels.channels == 4) pixels.data[at + 3].toInt() and 255 else 255
    for (channel in 0..2) {
        val level = pixels.data[at + channel].toInt() and 255
        // With alpha 255 this is the level itself: (255 · level + 127) / 255.
        colour[channel] = (alpha * level + (255 - alpha) * picture.background[channel] + 127) / 255
    }
    if (picture.channels == 1) {
        result[next++] = luma(colour[0], colour[1], colour[2]).toByte()
    } else {
        for (level in colour) result[next++] = level.toByte()
    }
    return next
}

private fun luma(red: Int, green: Int, blue: Int): Int =
    (19595 * red + 38470 * green + 7471 * blue + 32768) shr 16

private fun padded(whole: Pixels, picture: PictureInput): ByteArray {
    val isWide = whole.width.toLong() * picture.height > whole.height.toLong() * picture.width
    val height = if (!isWide) picture.height
    else maxOf(1, rounded(whole.height.toLong() * picture.width, whole.width))
    val width = if (isWide) picture.width
    else maxOf(1, rounded(whole.width.toLong() * picture.height, whole.height))
    val inner = repeated(resized(whole, width, height), picture.channels)
    val result = ByteArray(picture.bytes)
    fill(result, picture)
    val top = (picture.height - height) / 2
    val left = (picture.width - width) / 2
    val rowBytes = width * picture.channels
    for (row in 0 until height) {
        val start = ((top + row) * picture.width + left) * picture.channels
        System.arraycopy(inner.data, row * rowBytes, result, start, rowBytes)
    }
    return result
}

private fun fill(result: ByteArray, picture: PictureInput) {
    val (red, green, blue) = picture.background
    if (picture.channels == 1) {
        result.fill(luma(red, green, blue).toByte())
    } else {
        for (at in result.indices) result[at] = picture.background[at % 3].toByte()
    }
}

/** Grey in as many [channels] as the model takes. */
private fun repeated(pixels: Pixels, channels: Int): Pixels {
    if (pixels.channels == channels) return pixels
    val data = ByteArray(pixels.width * pixels.height * channels) { pixels.data[it / channels] }
    return Pixels(data, pixels.width, pixels.height, channels)
}

/** The nearest integer to a quotient, halves upwards. Neither is negative. */
private fun rounded(numerator: Long, denominator: Int): Int =
    ((2 * numerator + denominator) / (2L * denominator)).toInt()
