package hanji.engines

import hanji.EXPORT_AGAIN
import hanji.EngineException
import hanji.Signature

/** Whether a shape can be the one expected. Files may not state the sizes, or even their number. */
internal fun fits(found: LongArray, expected: List<Int?>): Boolean {
    if (found.isEmpty()) return true
    if (found.size != expected.size) return false
    return expected.indices.all { axis ->
        val size = expected[axis]
        size == null || found[axis] < 0 || found[axis] == size.toLong()
    }
}

/** The error for a file whose tensors are not those of the manifest. */
internal fun otherTensors(signature: Signature, expected: String, found: String) = EngineException(
    "${signature.path} ('${signature.name}'): expected $expected as in the manifest, found $found; " +
        EXPORT_AGAIN
)
