package hanji

/** Decodes base64; null if it is invalid. (java.util.Base64 requires Android 8.) */
internal fun fromBase64(text: String): ByteArray? {
    if (text.length % 4 != 0) return null
    val padding = if (text.endsWith("==")) 2 else if (text.endsWith("=")) 1 else 0
    val bytes = ByteArray(text.length / 4 * 3 - padding)
    var bits = 0
    var written = 0
    for (index in 0 until text.length - padding) {
        val digit = ALPHABET.indexOf(text[index])
        if (digit < 0) return null
        bits = (bits shl 6) or digit
        // The second, third and fourth characters of each group complete a byte.
        if (index % 4 != 0) bytes[written++] = (bits shr (6 - index % 4 * 2)).toByte()
    }
    return bytes
}

private const val ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
