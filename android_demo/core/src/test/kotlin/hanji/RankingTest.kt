package hanji

import java.util.Random
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class RankingTest {
    @Test
    fun topKEqualsSorting() {
        val random = Random(1)
        repeat(2000) {
            val scores = DoubleArray(1 + random.nextInt(60)) { random.nextInt(12) - 4.0 } // many ties
            if (random.nextBoolean()) scores[random.nextInt(scores.size)] = Double.NEGATIVE_INFINITY
            val k = random.nextInt(scores.size + 1)
            val expected = scores.indices.sortedWith(compareBy({ -scores[it] }, { it })).take(k).toIntArray()
            assertArrayEquals(expected, topK(scores, k))
        }
    }

    @Test
    fun aFilterIsCalledInDescendingOrderAndNoLongerThanNeeded() {
        val items = items(5000)
        val filtered = ArrayList<Long>()
        val options = options(
            k = 2, filter = { item -> filtered.add(item.id as Long); (item.id as Long) % 100 == 0L }
        )
        val found = ranking(DoubleArray(5000) { it.toDouble() }, items, options)
        assertArrayEquals(intArrayOf(4900, 4800), found)
        assertEquals((4999L downTo 4800L).toList(), filtered)
    }

    @Test
    fun excludedItemsAreCountedOnce() {
        val items = items(5)
        val options = options(k = 3, excluded = intArrayOf(4, 3), seen = intArrayOf(4, 2))
        val found = ranking(DoubleArray(5) { it.toDouble() }, items, options)
        assertArrayEquals(intArrayOf(1, 0), found)
        val note = "only 2 of the 3 requested items: all others are in the history or are excluded"
        assertEquals(note, shortageNote(found.size, options))
    }

    @Test
    fun withoutEligibleItemsTheResultIsEmpty() {
        for (diversity in listOf(0.0, 0.5)) {
            val options = options(k = 1, seen = intArrayOf(0, 1), filter = { true }, diversity = diversity)
            assertEquals(0, ranking(DoubleArray(2), items(2), options).size)
        }
    }

    @Test
    fun diversitySelectsOneItemOfEachGenreFirst() {
        val genres = listOf(listOf("A"), listOf("A"), listOf("B"), listOf("A", "A"), emptyList())
        assertArrayEquals(
            intArrayOf(0, 2, 4, 1, 3),
            diversified(doubleArrayOf(5.0, 4.9, 4.8, 4.7, 4.6), genres, 9, 0.9),
        )
        assertArrayEquals(intArrayOf(0, 1), diversified(doubleArrayOf(1.0, 1.0), genres.take(2), 2, 0.5))
    }

    @Test
    fun optionsOutOfRangeAreRejected() {
        expect<RequestException>("k=0: expected 1 to 5") { options(k = 0).check(5) }
        expect<RequestException>("k=4: expected 1 to 3: the catalogue has 5 items, 2 of them excluded") {
            options(k = 4, excluded = intArrayOf(1, 2)).check(5)
        }
        for (diversity in listOf(1.0, -0.1, Double.NaN)) {
            expect<RequestException>("diversity: expected 0 or more") {
                options(1, diversity = diversity).check(5)
            }
        }
    }

    @Test
    fun idsAreLookedUpLikeInPython() {
        val integers = Ids(listOf(7L, 196L), "item")
        val ids = listOf(196, 196L, 196.toShort(), "196", "0196", "x")
        assertEquals(listOf(1, 1, 1, 1, null, null), ids.map(integers::indexOf))
        val texts = Ids(listOf("196", "x"), "user")
        assertEquals(listOf(0, 0, 0, null), listOf("196", 196, 196L, 197).map(texts::indexOf))
        expect<RequestException>("expected an item id (Int, Long or String), found 1.5") {
            integers.indexOf(1.5)
        }
        expect<UnknownIdException>(
            "user 'y' is unknown: expected one of the bundle's 2 user ids, such as '196'"
        ) {
            texts.knownIndexOf("y")
        }
        val known = knownItems(listOf(196, 7, "?", 196), integers, "skip")
        assertArrayEquals(intArrayOf(0, 1), known.indices)
        assertEquals(1, known.skipped)
        expect<UnknownIdException>("item '?' is unknown") { knownItems(listOf(7, "?"), integers, "error") }
    }

    @Test
    fun reasonsAreSharesOfPositiveContributions() {
        val found = reasons(floatArrayOf(3f, -1f, 1f, 0f), intArrayOf(3, 2, 1, 0), items(4), 9)
        assertEquals(listOf(Reason(3L, "3", 0.75, 3.0), Reason(1L, "1", 0.25, 1.0)), found)
        assertTrue(reasons(floatArrayOf(-1f), intArrayOf(0), items(1), 1).isEmpty())
    }

    private fun options(
        k: Int,
        excluded: IntArray = IntArray(0),
        seen: IntArray = IntArray(0),
        filter: ((Item) -> Boolean)? = null,
        diversity: Double = 0.0,
    ) = RankingOptions(k, excluded, seen, filter, diversity)

    private fun items(count: Int): Items {
        val numbers = List(count) { it.toLong() }
        val none = List(count) { emptyList<String>() }
        return Items(Ids(numbers, "item"), numbers.map { it.toString() }, none, LongArray(count))
    }
}
