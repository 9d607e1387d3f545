package hanji.demo

import hanji.Item
import hanji.Items
import hanji.Recommendations
import hanji.Recommender

/** An item in the search suggestions, which are matched and read aloud by `toString`. */
class Title(val item: Item) {
    override fun toString(): String = item.title
}

/**
 * The state that the recommend screen shows.
 *
 * @property titles all titles, in the order of the bundle
 * @property popular popular items to start with
 * @property picked the history, oldest first
 * @property recommendations null without picks and while they are computed
 */
sealed class RecommendView {
    object Opening : RecommendView()

    /** The model takes a user id, which this app does not support. */
    object TakesUsers : RecommendView()

    class Refused(val message: String) : RecommendView()

    class Ready(
        val titles: List<Title>,
        val popular: List<Item>,
        val picked: List<Item>,
        val recommendations: Recommendations?,
    ) : RecommendView()
}

/** Stores the picked titles on the device, and requests recommendations after each change. */
class RecommendState(private val worker: Worker, private val models: Models, private val history: History) {
    val view = ObservableValue<RecommendView>(RecommendView.Opening)
    private var titles = emptyList<Title>()
    private var popular = emptyList<Item>()
    private var picked = emptyList<Item>()
    private var latestRequest = 0

    /** Open the model and request recommendations for the stored history. */
    fun open() = worker.submit({ openModel() }) { outcome ->
        when (outcome) {
            is Outcome.Failed -> view.value = RecommendView.Refused(outcome.message)
            is Outcome.Done -> outcome.value?.let(::start) ?: run { view.value = RecommendView.TakesUsers }
        }
    }

    fun pick(item: Item) = change(picked.filter { it.id != item.id } + item)

    fun remove(item: Item) = change(picked.filter { it.id != item.id })

    /** Delete the history from the device. */
    fun delete() {
        history.delete()
        picked = emptyList()
        update()
    }

    private class Opened(val titles: List<Title>, val popular: List<Item>, val picked: List<Item>)

    /** Returns null if the model takes a user id. Runs on the thread of the worker. */
    private fun openModel(): Opened? {
        val model = models.recommender()
        if (model.takes != "history") return null
        val items = model.items
        val all = (0 until items.size).map { Title(items[it]) }
        return Opened(all, mostPopular(items), history.load().mapNotNull { id -> known(items, id) })
    }

    private fun known(items: Items, id: Any): Item? = items.ids.indexOf(id)?.let { items[it] }

    private fun mostPopular(items: Items): List<Item> =
        (0 until items.size).sortedByDescending { items.popularity[it] }.take(POPULAR).map { items[it] }

    private fun start(opened: Opened) {
        titles = opened.titles
        popular = opened.popular
        picked = opened.picked
        update()
    }

    private fun change(items: List<Item>) {
        picked = items
        history.save(items.map { it.id })
        update()
    }

    /**
     * Shows the picks at once, and the recommendations when they are ready, unless there is a newer request.
     */
    private fun update() {
        val request = ++latestRequest
        show(null)
        if (picked.isEmpty()) return
        val ids = picked.map { it.id }
        worker.submit({ recommend(models.recommender(), ids) }) { outcome ->
            if (request != latestRequest) return@submit
            when (outcome) {
                is Outcome.Failed -> view.value = RecommendView.Refused(outcome.message)
                is Outcome.Done -> show(outcome.value)
            }
        }
    }

    private fun recommend(model: Recommender, ids: List<Any>): Recommendations =
        model.recommend(history = ids, k = COUNT, explain = REASONS)

    private fun show(recommendations: Recommendations?) {
        view.value = RecommendView.Ready(titles, popular, picked, recommendations)
    }

    private companion object {
        const val COUNT = 10
        const val REASONS = 2
        const val POPULAR = 5
    }
}
