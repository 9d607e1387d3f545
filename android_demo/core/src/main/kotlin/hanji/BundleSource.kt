package hanji

import java.io.File
import java.io.FileInputStream
import java.io.IOException
import java.io.InputStream

/**
 * A source of the files of a bundle, such as a directory or the assets of an app.
 *
 * `toString()` should return the location of the bundle, which is part of error messages.
 */
interface BundleSource {
    /**
     * Opens the file at [path], which is relative and separated by '/'; the caller closes the stream. Throws
     * FileNotFoundException if it is missing and IOException if it cannot be read. The caller limits the size
     * and verifies the content.
     */
    @Throws(IOException::class)
    fun open(path: String): InputStream
}

/** A bundle in a directory. Symbolic links must not point outside it. */
class DirectorySource(private val root: File) : BundleSource {
    override fun open(path: String): InputStream {
        if (!root.isDirectory) {
            throw BundleException(
                "$root: expected a bundle directory, found ${if (root.exists()) "a file" else "nothing"}; " +
                    "pass the output directory of `hanji build` or `hanji export`"
            )
        }
        val file = File(root, path)
        if (!file.canonicalPath.startsWith(root.canonicalPath + File.separator)) {
            throw BundleException(
                "$file: a path or symbolic link to a location outside the bundle; $COPY_AGAIN"
            )
        }
        if (file.exists() && !file.isFile) {
            throw BundleException("$file: expected a regular file; $COPY_AGAIN")
        }
        return FileInputStream(file)
    }

    override fun toString(): String = root.path
}

internal const val COPY_AGAIN = "copy or export the bundle again"
