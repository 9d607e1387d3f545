package hanji.demo

import android.content.Context
import org.json.JSONArray
import org.json.JSONException

/**
 * The ids of picked items, oldest first, in the private storage of the app. The data stays on the device: it
 * is excluded from backups and device transfers (see the manifest), and the app has no network permission.
 */
class History(context: Context) {
    private val storage = context.applicationContext.getSharedPreferences("history", Context.MODE_PRIVATE)

    /** The stored item ids, integers as Long or strings; empty if they cannot be read. */
    fun load(): List<Any> {
        val text = storage.getString(KEY, null) ?: return emptyList()
        return try {
            val array = JSONArray(text)
            (0 until array.length()).mapNotNull { idOf(array.get(it)) }
        } catch (_: JSONException) {
            emptyList()
        }
    }

    fun save(ids: List<Any>) = storage.edit().putString(KEY, JSONArray(ids).toString()).apply()

    fun delete() = storage.edit().clear().apply()

    private fun idOf(value: Any): Any? =
        when (value) {
            is Number -> value.toLong()
            is String -> value
            else -> null
        }

    private companion object {
        const val KEY = "picked"
    }
}
