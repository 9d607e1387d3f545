package hanji

/**
 * A picture: levels of 0 to 255 as bytes, row by row, [channels] of them for each pixel.
 *
 * 1 channel is grey; 3 are red, green, blue; 4 are these and alpha, not multiplied in. PictureException if
 * there is no pixel or the bytes do not fit the size. Nobody may change [data] while it is used.
 */
class Pixels(val data: ByteArray, val width: Int, val height: Int, val channels: Int) {
    init {
        if (channels != 1 && channels != 3 && channels != 4) {
            throw PictureException(
                "pixels: expected 1 (grey), 3 (red, green, blue) or 4 channels (and alpha), found $channels"
            )
        }
        if (width < 1 || height < 1) {
            throw PictureException("pixels: expected at least one pixel, found $width × $height")
        }
        val expected = width.toLong() * height * channels
        if (data.size.toLong() != expected) {
            throw PictureException(
                "pixels: expected $expected bytes for $width × $height × $channels, found ${data.size}"
            )
        }
    }
}
