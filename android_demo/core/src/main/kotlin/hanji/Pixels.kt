package hanji

/**
 * An image: pixel values of 0 to 255 in row-major order with interleaved [channels].
 *
 * 1 channel is grey, 3 are RGB, 4 are RGBA with straight (not premultiplied) alpha. ImageException if the
 * image is empty or the number of bytes does not match. [data] must not be modified while it is in use.
 */
class Pixels(val data: ByteArray, val width: Int, val height: Int, val channels: Int) {
    init {
        if (channels != 1 && channels != 3 && channels != 4) {
            throw ImageException(
                "pixels: expected 1 (grayscale), 3 (RGB) or 4 channels (RGBA), found $channels"
            )
        }
        if (width < 1 || height < 1) {
            throw ImageException("pixels: expected at least one pixel, found $width × $height")
        }
        val expected = width.toLong() * height * channels
        if (data.size.toLong() != expected) {
            throw ImageException(
                "pixels: expected $expected bytes for $width × $height × $channels, found ${data.size}"
            )
        }
    }
}
