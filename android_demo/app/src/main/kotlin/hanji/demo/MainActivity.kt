package hanji.demo

import android.app.Activity
import android.content.Intent
import android.os.Build
import android.os.Bundle
import android.view.View
import android.view.WindowInsets
import android.widget.Button

/**
 * Three screens with tabs. State that must survive a rotation is in [DemoState], which is passed to the next
 * activity; state that must survive the end of the process is in the saved instance state.
 */
class MainActivity : Activity() {
    private lateinit var state: DemoState
    private lateinit var classify: ClassifyScreen
    private lateinit var tabs: List<Pair<Button, View>>
    private val screens = mutableListOf<Screen>()
    private var selectedTab = 0

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        setContentView(R.layout.main)
        state = lastNonConfigurationInstance as? DemoState ?: DemoState(applicationContext, saved)
        findViewById<View>(R.id.root).setOnApplyWindowInsetsListener(::keepClearOfBars)
        tabs = listOf(
            findViewById<Button>(R.id.tab_recommend) to findViewById(R.id.recommend),
            findViewById<Button>(R.id.tab_classify) to findViewById(R.id.classify),
            findViewById<Button>(R.id.tab_self_test) to findViewById(R.id.self_test),
        )
        tabs.forEachIndexed { index, (tab, _) -> tab.setOnClickListener { show(index) } }
        classify = ClassifyScreen(this, state.classify)
        val selfTest = SelfTestScreen(this, state.selfTest)
        screens += listOf(RecommendScreen(this, state.recommend), classify, selfTest)
        show(saved?.getInt(TAB) ?: 0)
        if (saved == null && intent.getBooleanExtra(SELF_TEST, false)) {
            show(tabs.lastIndex)
            state.selfTest.run()
        }
    }

    private fun show(index: Int) {
        selectedTab = index
        tabs.forEachIndexed { position, (tab, screen) ->
            tab.isSelected = position == index
            screen.visibility = if (position == index) View.VISIBLE else View.GONE
        }
    }

    /** Since Android 15, apps draw behind the system bars; the padding keeps the content clear of them. */
    private fun keepClearOfBars(view: View, insets: WindowInsets): WindowInsets {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
            val bars = WindowInsets.Type.systemBars() or WindowInsets.Type.displayCutout()
            val edges = insets.getInsets(bars or WindowInsets.Type.ime())
            view.setPadding(edges.left, edges.top, edges.right, edges.bottom)
            return WindowInsets.CONSUMED
        }
        return view.onApplyWindowInsets(insets)
    }

    override fun onSaveInstanceState(saved: Bundle) {
        super.onSaveInstanceState(saved)
        saved.putInt(TAB, selectedTab)
        state.save(saved)
    }

    @Deprecated("The replacement is not part of the platform")
    override fun onRetainNonConfigurationInstance(): Any = state

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        val image = data?.data
        if (request == CHOOSE_IMAGE && result == RESULT_OK && image != null) classify.chosen(image)
    }

    override fun onDestroy() {
        screens.forEach(Screen::close)
        if (!isChangingConfigurations) state.end()
        super.onDestroy()
    }

    companion object {
        const val CHOOSE_IMAGE = 1

        /** Intent extra: show the self-test and run it immediately. */
        const val SELF_TEST = "self_test"
        private const val TAB = "tab"
    }
}

/** A screen, which shows a part of the state until its activity ends. */
interface Screen {
    fun close()
}
