package hanji.demo

/**
 * A value that outlives the activity and the one screen that shows it. Only for the main thread.
 *
 * The screen of a new activity after a rotation follows in the place of the old one.
 */
class Watched<T>(initial: T) {
    private var follower: ((T) -> Unit)? = null

    var value: T = initial
        set(new) {
            field = new
            follower?.invoke(new)
        }

    /** Call [show] now and after each change. */
    fun follow(show: (T) -> Unit) {
        follower = show
        show(value)
    }

    fun unfollow() {
        follower = null
    }
}
