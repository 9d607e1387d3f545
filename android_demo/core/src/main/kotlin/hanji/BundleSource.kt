package hanji

import java.io.File
import java.io.FileInputStream
import java.io.IOException
import java.io.InputStream

/**
 * Where the files of a bundle come from: a directory, an app's assets.
 *
 * Errors call the bundle by the source's `toString()`, so let that say where it is.
 */
interface BundleSource {
    /**
     * The file at [path], which is relative and has '/' between its parts, from its first byte; whoever asks
     * closes it. Throws FileNotFoundException if there is none and IOException if it cannot be read. How
     * much of it is read, and whether it is the right file, is not the source's business.
     */
    @Throws(IOException::class)
    fun open(path: String): InputStream
}

/** A bundle in a directory. Symbolic links may not lead out of it. */
class DirectorySource(private val root: File) : BundleSource {
    override fun open(path: String): InputStream {
        if (!root.isDirectory) {
            throw BundleException(
                "$root: expected a bundle directory, found ${if (root.exists()) "a file" else "nothing"}; " +
                    "give the directory that `hanji build` or `hanji export` wrote"
            )
        }
        val file = File(root, path)
        if (!file.canonicalPath.startsWith(root.canonicalPath + File.separator)) {
            throw BundleException("$file: a path or symbolic link that leads out of the bundle; $COPY_AGAIN")
        }
        if (file.exists() && !file.isFile) throw BundleException("$file: expected a plain file; $COPY_AGAIN")
        return FileInputStream(file)
    }

    override fun toString(): String = root.path
}

internal const val COPY_AGAIN = "copy or export the bundle again"
