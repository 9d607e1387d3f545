package hanji.demo

/**
 * An observable value that outlives the activity, with a single observer. Must only be used on the main
 * thread.
 *
 * After a rotation, the screen of the new activity replaces the observer.
 */
class ObservableValue<T>(initial: T) {
    private var observer: ((T) -> Unit)? = null

    var value: T = initial
        set(new) {
            field = new
            observer?.invoke(new)
        }

    /** Calls [show] now and after each change. */
    fun observe(show: (T) -> Unit) {
        observer = show
        show(value)
    }

    fun stopObserving() {
        observer = null
    }
}
