package hanji.demo

import hanji.Item
import hanji.Items
import hanji.Recommendations
import hanji.Recommender

/** An item as the search list shows it: `toString` is what is typed against and read out. */
class Title(val item: Item) {
    override fun toString(): String = item.title
}

/**
 * What the recommend screen shows. [picked] is the history, oldest first.
 *
 * @property titles everything there is to pick, in the order of the bundle
 * @property popular a few to begin with
 * @property answer null while nothing is picked
 */
sealed class RecommendView {
    object Opening : RecommendView()

    /** The model takes user numbers, of which this app has none. */
    object TakesUsers : RecommendView()

    class Refused(val message: String) : RecommendView()

    class Ready(
        val titles: List<Title>,
        val popular: List<Item>,
        val picked: List<Item>,
        val answer: Recommendations?,
    ) : RecommendView()
}

/** Picks titles, keeps them on the device, and asks the model after each change. */
class RecommendState(private val worker: Worker, private val models: Models, private val history: History) {
    val view = Watched<RecommendView>(RecommendView.Opening)
    private var titles = emptyList<Title>()
    private var popular = emptyList<Item>()
    private var picked = emptyList<Item>()
    private var question = 0

    /** Open the model and answer for the history that the device keeps. */
    fun open() = worker.ask({ opened() }) { outcome ->
        when (outcome) {
            is Outcome.Failed -> view.value = RecommendView.Refused(outcome.message)
            is Outcome.Done -> outcome.value?.let(::begin) ?: run { view.value = RecommendView.TakesUsers }
        }
    }

    fun pick(item: Item) = change(picked.filter { it.id != item.id } + item)

    fun remove(item: Item) = change(picked.filter { it.id != item.id })

    /** Delete the history from the device. */
    fun delete() {
        history.delete()
        picked = emptyList()
        ask()
    }

    private class Opened(val titles: List<Title>, val popular: List<Item>, val picked: List<Item>)

    /** Null for a model that takes users. On the models' thread. */
    private fun opened(): Opened? {
        val model = models.recommender()
        if (model.takes != "history") return null
        val items = model.items
        val all = (0 until items.size).map { Title(items[it]) }
        return Opened(all, mostPopular(items), history.load().mapNotNull { id -> known(items, id) })
    }

    private fun known(items: Items, id: Any): Item? = items.ids.indexOf(id)?.let { items[it] }

    private fun mostPopular(items: Items): List<Item> =
        (0 until items.size).sortedByDescending { items.popularity[it] }.take(POPULAR).map { items[it] }

    private fun begin(opened: Opened) {
        titles = opened.titles
        popular = opened.popular
        picked = opened.picked
        ask()
    }

    private fun change(items: List<Item>) {
        picked = items
        history.save(items.map { it.id })
        ask()
    }

    /** Show the picks at once and the answer when it is there, unless a newer question overtook it. */
    private fun ask() {
        val asked = ++question
        show(null)
        if (picked.isEmpty()) return
        val ids = picked.map { it.id }
        worker.ask({ answer(models.recommender(), ids) }) { outcome ->
            if (asked != question) return@ask
            when (outcome) {
                is Outcome.Failed -> view.value = RecommendView.Refused(outcome.message)
                is Outcome.Done -> show(outcome.value)
            }
        }
    }

    private fun answer(model: Recommender, ids: List<Any>): Recommendations =
        model.recommend(history = ids, k = ANSWERS, explain = REASONS)

    private fun show(answer: Recommendations?) {
        view.value = RecommendView.Ready(titles, popular, picked, answer)
    }

    private companion object {
        const val ANSWERS = 10
        const val REASONS = 2
        const val POPULAR = 5
    }
}
