package hanji.demo

import android.content.Context
import org.json.JSONArray
import org.json.JSONException

/**
 * The ids that somebody picked, oldest first, in this app's private storage. Nothing else reads it: backups
 * and transfers to another device leave it out (see the manifest), and the app may not use the network.
 */
class History(context: Context) {
    private val storage = context.applicationContext.getSharedPreferences("history", Context.MODE_PRIVATE)

    /** Own item ids, whole numbers as Long or texts; what cannot be read counts as nothing. */
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
