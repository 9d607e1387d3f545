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

/** Larger pictures are read at a half, a quarter …: a small network has no use for 48 million bytes. */
private const val LARGEST_SIDE = 1600

/** A picture that somebody chose cannot be read. The screen says so in its own words. */
class UnreadablePicture(cause: Throwable? = null) : Exception(cause)

/** What lies behind [picture], upright, at most [LARGEST_SIDE] on a side; UnreadablePicture if it is none. */
fun readPicture(resolver: ContentResolver, picture: Uri): Bitmap {
    try {
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        open(resolver, picture).use { BitmapFactory.decodeStream(it, null, bounds) }
        val options = BitmapFactory.Options().apply {
            inPreferredConfig = Bitmap.Config.ARGB_8888
            inPremultiplied = true
            inSampleSize = sampleSize(bounds.outWidth, bounds.outHeight)
        }
        val bitmap = open(resolver, picture).use { BitmapFactory.decodeStream(it, null, options) }
        return upright(bitmap ?: throw UnreadablePicture(), turn(resolver, picture))
    } catch (error: IOException) {
        throw UnreadablePicture(error)
    } catch (error: SecurityException) {
        throw UnreadablePicture(error)
    }
}

/** The levels of a picture as RGBA, and turned around where [inverted]; what is transparent stays so. */
fun pixelsOf(picture: Bitmap, inverted: Boolean): Pixels {
    val colours = IntArray(picture.width * picture.height)
    picture.getPixels(colours, 0, picture.width, 0, 0, picture.width, picture.height)
    val levels = ByteArray(4 * colours.size)
    val turned = if (inverted) 0xFFFFFF else 0
    colours.forEachIndexed { at, argb ->
        val colour = argb xor turned
        levels[4 * at] = (colour shr 16).toByte()
        levels[4 * at + 1] = (colour shr 8).toByte()
        levels[4 * at + 2] = colour.toByte()
        levels[4 * at + 3] = (colour shr 24).toByte()
    }
    return Pixels(levels, picture.width, picture.height, 4)
}

/** The power of two by which a picture is read smaller. */
internal fun sampleSize(width: Int, height: Int): Int {
    var size = 1
    while (maxOf(width, height) / size > LARGEST_SIDE) size *= 2
    return size
}

private fun open(resolver: ContentResolver, picture: Uri): InputStream =
    resolver.openInputStream(picture) ?: throw UnreadablePicture()

/** Degrees to the right by which the camera says the picture must be turned; 0 where it says nothing. */
private fun turn(resolver: ContentResolver, picture: Uri): Float =
    try {
        val orientation = open(resolver, picture).use {
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
