package hanji

import java.util.Locale
import org.junit.Assert.assertEquals
import org.junit.Test

class TextsTest {
    @Test
    fun numbersAndIdsAreShownAsPythonShowsThem() {
        val before = Locale.getDefault()
        Locale.setDefault(Locale.GERMANY) // a comma in numbers, if anything asked for it
        try {
            val texts = Table(Given.answers("texts"), "texts")
            val numbers = texts.array("numbers").map { it as List<*> }
            for ((number, shown) in numbers) assertEquals(shown, short(asNumber(number)!!))
            val ids = texts.array("ids").map { it as List<*> }
            for ((own, shown) in ids) assertEquals(shown, quoted(own!!))
        } finally {
            Locale.setDefault(before)
        }
    }

    @Test
    fun valuesAreShownInFewWords() {
        assertEquals("null", shown(null))
        assertEquals("an array of 2", shown(listOf(1, 2)))
        assertEquals("an object", shown(mapOf("a" to 1)))
        assertEquals(61, shown("x".repeat(1000)).length)
    }
}
