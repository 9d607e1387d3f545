package hanji.demo

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Matrix
import android.media.ExifInterface
import android.net.Uri
import hanji.Pixels
import java.io.IOException
import java.io.InputStream

/** Larger images are subsampled: a full photo (48 MB of pixels) is of no use to a small model. */
private const val MAX_SIDE = 1600

/** The chosen image cannot be read. The screen shows its own message. */
class UnreadableImage(cause: Throwable? = null) : Exception(cause)

/**
 * Reads the image at [uri], rotated by its EXIF orientation, with sides of at most [MAX_SIDE]; or
 * UnreadableImage.
 */
fun readImage(resolver: ContentResolver, uri: Uri): Bitmap {
    try {
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        open(resolver, uri).use { BitmapFactory.decodeStream(it, null, bounds) }
        val options = BitmapFactory.Options().apply {
            inPreferredConfig = Bitmap.Config.ARGB_8888
            inPremultiplied = true
            inSampleSize = sampleSize(bounds.outWidth, bounds.outHeight)
        }
        val bitmap = open(resolver, uri).use { BitmapFactory.decodeStream(it, null, options) }
        return upright(bitmap ?: throw UnreadableImage(), rotation(resolver, uri))
    } catch (error: IOException) {
        throw UnreadableImage(error)
    } catch (error: SecurityException) {
        throw UnreadableImage(error)
    }
}

/** The RGBA pixels of a bitmap, with inverted colours if [inverted]; alpha is unchanged. */
fun pixelsOf(bitmap: Bitmap, inverted: Boolean): Pixels {
    val colours = IntArray(bitmap.width * bitmap.height)
    bitmap.getPixels(colours, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
    val values = ByteArray(4 * colours.size)
    val mask = if (inverted) 0xFFFFFF else 0
    colours.forEachIndexed { index, argb ->
        val colour = argb xor mask
        values[4 * index] = (colour shr 16).toByte()
        values[4 * index + 1] = (colour shr 8).toByte()
        values[4 * index + 2] = colour.toByte()
        values[4 * index + 3] = (colour shr 24).toByte()
    }
    return Pixels(values, bitmap.width, bitmap.height, 4)
}

/** The subsampling factor, a power of two. */
internal fun sampleSize(width: Int, height: Int): Int {
    var size = 1
    while (maxOf(width, height) / size > MAX_SIDE) size *= 2
    return size
}

private fun open(resolver: ContentResolver, uri: Uri): InputStream =
    resolver.openInputStream(uri) ?: throw UnreadableImage()

/** The clockwise rotation by the EXIF orientation, in degrees; 0 if there is none. */
private fun rotation(resolver: ContentResolver, uri: Uri): Float =
    try {
        val orientation = open(resolver, uri).use {
            ExifInterface(it).getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL)
        }
        when (orientation) {
            ExifInterface.ORIENTATION_ROTATE_90 -> 90f
            ExifInterface.ORIENTATION_ROTATE_180 -> 180f
            ExifInterface.ORIENTATION_ROTATE_270 -> 270f
            else -> 0f
        }
    } catch (_: IOException) {
        0f
    }

private fun upright(bitmap: Bitmap, degrees: Float): Bitmap {
    if (degrees == 0f) return bitmap
    val matrix = Matrix().apply { postRotate(degrees) }
    return Bitmap.createBitmap(bitmap, 0, 0, bitmap.width, bitmap.height, matrix, true)
}
