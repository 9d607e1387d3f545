package hanji.demo

import android.content.res.AssetManager
import hanji.BundleSource
import java.io.InputStream

/** A bundle in a [folder] of the app's assets, which are stored uncompressed in the APK. */
class AssetSource(private val assets: AssetManager, private val folder: String) : BundleSource {
    override fun open(path: String): InputStream = assets.open("$folder/$path")

    override fun toString(): String = "assets/$folder"
}
