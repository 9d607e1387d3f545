package hanji

/*
 * Prepares images for the model in integer arithmetic, byte for byte like hanji.runtime.images.preparation,
 * whose docstring specifies the numbered steps.
 */

/**
 * The model's input for one image, uint8 [height · width · channels] in row-major order.
 *
 * 1. (16-bit images are not supported here.)
 * 2. Alpha is composited over the background, per channel:
 *    (alpha · value + (255 - alpha) · background + 127) / 255.
 * 3. For a grey model, colour and the background are converted to ITU-R 601 luma:
 *    (19595 · red + 38470 · green + 7471 · blue + 32768) >> 16.
 * 4. The image is [resized] to the size of the input with "stretch", "crop" or "pad".
 * 5. For a colour model, grey is repeated.
 *
 * "crop" is applied first, which does not change the result and saves work on large photos.
 */
fun prepare(pixels: Pixels, imageInput: ImageInput): ByteArray {
    val isCrop = imageInput.fit == "crop"
    val region = if (isCrop) cropRegion(pixels, imageInput) else Region(0, 0, pixels.width, pixels.height)
    val flat = flattened(pixels, region, imageInput)
    return if (imageInput.fit == "pad") {
        padded(flat, imageInput)
    } else {
        repeated(resized(flat, imageInput.width, imageInput.height), imageInput.channels).data
    }
}

/** A region of an image. */
private class Region(val left: Int, val top: Int, val width: Int, val height: Int)

/** The region for "crop": the largest centred region with the aspect ratio of the input. */
private fun cropRegion(pixels: Pixels, imageInput: ImageInput): Region {
    val columns = pixels.width
    val rows = pixels.height
    val across = columns.toLong() * imageInput.height
    val down = rows.toLong() * imageInput.width
    if (across > down) {
        val kept = minOf(columns, maxOf(1, rounded(down, imageInput.height)))
        return Region((columns - kept) / 2, 0, kept, rows)
    }
    if (across < down) {
        val kept = minOf(rows, maxOf(1, rounded(across, imageInput.width)))
        return Region(0, (rows - kept) / 2, columns, kept)
    }
    return Region(0, 0, columns, rows)
}

/** A region of an image without alpha, in grey for a grey model; it has 1 or 3 channels. */
private fun flattened(pixels: Pixels, region: Region, imageInput: ImageInput): Pixels {
    val channels = if (imageInput.channels == 1) 1 else minOf(pixels.channels, 3)
    val result = ByteArray(region.width * region.height * channels)
    val colour = IntArray(3)
    var written = 0
    for (row in region.top until region.top + region.height) {
        var at = (row * pixels.width + region.left) * pixels.channels
        repeat(region.width) {
            written = flatten(pixels, at, imageInput, colour, result, written)
            at += pixels.channels
        }
    }
    return Pixels(result, region.width, region.height, channels)
}

/** Steps 2 and 3 for the pixel at offset [at]; returns the next offset of the result. */
private fun flatten(
    pixels: Pixels,
    at: Int,
    imageInput: ImageInput,
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
        val value = pixels.data[at + channel].toInt() and 255
        // With alpha 255 this is the value itself: (255 · value + 127) / 255.
        colour[channel] = (alpha * value + (255 - alpha) * imageInput.background[channel] + 127) / 255
    }
    if (imageInput.channels == 1) {
        result[next++] = luma(colour[0], colour[1], colour[2]).toByte()
    } else {
        for (value in colour) result[next++] = value.toByte()
    }
    return next
}

private fun luma(red: Int, green: Int, blue: Int): Int =
    (19595 * red + 38470 * green + 7471 * blue + 32768) shr 16

private fun padded(flat: Pixels, imageInput: ImageInput): ByteArray {
    val isWide = flat.width.toLong() * imageInput.height > flat.height.toLong() * imageInput.width
    val height = if (!isWide) imageInput.height
    else maxOf(1, rounded(flat.height.toLong() * imageInput.width, flat.width))
    val width = if (isWide) imageInput.width
    else maxOf(1, rounded(flat.width.toLong() * imageInput.height, flat.height))
    val inner = repeated(resized(flat, width, height), imageInput.channels)
    val result = ByteArray(imageInput.bytes)
    fill(result, imageInput)
    val top = (imageInput.height - height) / 2
    val left = (imageInput.width - width) / 2
    val rowBytes = width * imageInput.channels
    for (row in 0 until height) {
        val start = ((top + row) * imageInput.width + left) * imageInput.channels
        System.arraycopy(inner.data, row * rowBytes, result, start, rowBytes)
    }
    return result
}

private fun fill(result: ByteArray, imageInput: ImageInput) {
    val (red, green, blue) = imageInput.background
    if (imageInput.channels == 1) {
        result.fill(luma(red, green, blue).toByte())
    } else {
        for (index in result.indices) result[index] = imageInput.background[index % 3].toByte()
    }
}

/** Repeats a grey image into [channels] channels; other images are returned unchanged. */
private fun repeated(pixels: Pixels, channels: Int): Pixels {
    if (pixels.channels == channels) return pixels
    val data = ByteArray(pixels.width * pixels.height * channels) { pixels.data[it / channels] }
    return Pixels(data, pixels.width, pixels.height, channels)
}

/** The quotient of two non-negative integers, rounded to the nearest integer with halves rounded up. */
private fun rounded(numerator: Long, denominator: Int): Int =
    ((2 * numerator + denominator) / (2L * denominator)).toInt()
