package hanji

/** The bytes that a text in base64 stands for, null if it is none. (java.util.Base64 came with Android 8.) */
internal fun fromBase64(text: String): ByteArray? {
    if (text.length % 4 != 0) return null
    val padding = if (text.endsWith("==")) 2 else if (text.endsWith("=")) 1 else 0
    val bytes = ByteArray(text.length / 4 * 3 - padding)
    var bits = 0
    var written = 0
    for (at in 0 until text.length - padding) {
        val digit = ALPHABET.indexOf(text[at])
        if (digit < 0) return null
        bits = (bits shl 6) or digit
        // After the second, third and fourth letter of four there is one more whole byte.
        if (at % 4 != 0) bytes[written++] = (bits shr (6 - at % 4 * 2)).toByte()
    }
    return bytes
}

private const val ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
