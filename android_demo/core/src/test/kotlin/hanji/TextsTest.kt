package hanji

import java.util.Locale
import org.junit.Assert.assertEquals
import org.junit.Test

class TextsTest {
    @Test
    fun numbersAndIdsAreFormattedLikeInPython() {
        val before = Locale.getDefault()
        Locale.setDefault(Locale.GERMANY) // has a decimal comma, which must not be used
        try {
            val texts = Table(TestData.pythonResults("texts"), "texts")
            val numbers = texts.array("numbers").map { it as List<*> }
            for ((number, formatted) in numbers) assertEquals(formatted, formatNumber(asNumber(number)!!))
            val ids = texts.array("ids").map { it as List<*> }
            for ((id, formatted) in ids) assertEquals(formatted, quoted(id!!))
        } finally {
            Locale.setDefault(before)
        }
    }

    @Test
    fun valuesAreDescribedBriefly() {
        assertEquals("null", shown(null))
        assertEquals("an array of length 2", shown(listOf(1, 2)))
        assertEquals("an object", shown(mapOf("a" to 1)))
        assertEquals(61, shown("x".repeat(1000)).length)
    }
}
