package hanji

import java.io.ByteArrayOutputStream
import java.io.FileNotFoundException
import java.io.IOException
import java.security.MessageDigest

/**
 * An open bundle with a verified manifest, which returns its other files as verified bytes.
 *
 * The manifest is verified against manifest.sha256 before it is parsed, and every other file against the
 * manifest before its content is used. The verified bytes are the bytes in use; nothing is read twice.
 */
internal class Bundle private constructor(private val source: BundleSource, val manifest: Manifest) {

    /** The manifest entry of one of the bundle's own files (users, items, labels, golden). */
    fun file(path: String): FileEntry = manifest.files.first { it.path == path }

    /** The content of [file]; BundleException or ChecksumException if it differs from the exported file. */
    fun read(file: FileEntry): ByteArray {
        val where = "$source/${file.path}"
        val content = content(source, file.path, file.bytes)
        if (content.size != file.bytes) {
            val found = if (content.size > file.bytes) "more" else content.size.toString()
            throw ChecksumException(
                "$where: expected ${file.bytes} bytes, found $found: the file is truncated or modified; " +
                    COPY_AGAIN
            )
        }
        val found = sha256(content)
        if (found != file.sha256) {
            throw ChecksumException(
                "$where: expected sha256 ${file.sha256}, found $found: the file is modified or damaged; " +
                    COPY_AGAIN
            )
        }
        return content
    }

    /** The contents of [files] by path. */
    fun read(files: List<FileEntry>): Map<String, ByteArray> = files.associate { it.path to read(it) }

    override fun toString(): String = source.toString()

    companion object {
        private const val MANIFEST = "manifest.json"
        private const val CHECKSUM = "manifest.sha256"
        private const val MAX_MANIFEST_BYTES = 16 shl 20

        /**
         * Opens the bundle in [source]; only the manifest and its checksum are read.
         *
         * BundleException if there is no bundle, ChecksumException if manifest.json differs from the
         * exported file, SchemaVersionException if this reader is too old for it.
         */
        fun open(source: BundleSource): Bundle {
            val content = readSmallFile(source, MANIFEST)
            val checksum = readSmallFile(source, CHECKSUM)
            val digest = sha256(content)
            if (!checksum.contentEquals("$digest  $MANIFEST\n".toByteArray())) {
                throw ChecksumException(
                    "$source/$MANIFEST: its sha256 $digest does not match $CHECKSUM: " +
                        "one of the two was modified or damaged; $COPY_AGAIN"
                )
            }
            return Bundle(source, parseManifest(content, "$source/$MANIFEST"))
        }

        /** Reads manifest.json or manifest.sha256, whose sizes are not known in advance. */
        private fun readSmallFile(source: BundleSource, name: String): ByteArray {
            val content = content(source, name, MAX_MANIFEST_BYTES)
            if (content.size <= MAX_MANIFEST_BYTES) return content
            throw BundleException(
                "$source/$name: expected at most $MAX_MANIFEST_BYTES bytes, found more; $COPY_AGAIN"
            )
        }

        /** Reads at most [size] + 1 bytes, however long the file is, and allocates only what it reads. */
        private fun content(source: BundleSource, path: String, size: Int): ByteArray {
            val result = ByteArrayOutputStream()
            val buffer = ByteArray(1 shl 16)
            try {
                source.open(path).use { stream ->
                    while (result.size() <= size) {
                        val limit = minOf(buffer.size.toLong(), size + 1L - result.size()).toInt()
                        val count = stream.read(buffer, 0, limit)
                        if (count < 0) break
                        result.write(buffer, 0, count)
                    }
                }
                return result.toByteArray()
            } catch (error: FileNotFoundException) {
                throw BundleException("$source/$path: the file is missing; $COPY_AGAIN", error)
            } catch (error: IOException) {
                throw BundleException("$source/$path: cannot be read: ${error.message}", error)
            } catch (error: OutOfMemoryError) {
                throw BundleException(
                    "$source/$path: its $size bytes do not fit into this app's memory", error
                )
            }
        }
    }
}

/** The SHA-256 digest in lower-case hexadecimal. */
private fun sha256(content: ByteArray): String {
    val digest = MessageDigest.getInstance("SHA-256").digest(content)
    val text = StringBuilder(2 * digest.size)
    for (byte in digest) {
        text.append(Character.forDigit(byte.toInt() shr 4 and 15, 16))
        text.append(Character.forDigit(byte.toInt() and 15, 16))
    }
    return text.toString()
}
