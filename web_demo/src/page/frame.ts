import type { App, View } from "./app.ts";
import { classifyView } from "./classify/view.ts";
import { byId, button, el, fill } from "./dom.ts";
import { engineView } from "./engine/view.ts";
import { recommendView } from "./recommend/view.ts";
import { route, VIEWS, type ViewName } from "./router.ts";
import { LANGUAGES, rememberLanguage, type Language } from "./texts/index.ts";

/** The header, footer and navigation around the views; rebuilt when the language changes. */
export class Frame {
  private views: Partial<Record<ViewName, View>> = {};
  private current: ViewName | null = null;

  constructor(private readonly app: App) {}

  /** Builds the frame, shows the view given by the URL hash, and follows hash changes. */
  start(): void {
    this.build();
    route.subscribe((name) => this.show(name));
  }

  private build(): void {
    const { texts, language } = this.app;
    document.documentElement.lang = language;
    document.title = texts.title;
    const skip = byId("skip");
    skip.textContent = texts.skip;
    skip.onclick = (event) => {
      // The URL hash selects the view and must not be replaced by #main.
      event.preventDefault();
      byId("main").focus();
    };
    fill(byId("top"), this.brand(), this.navigation(), this.languages());
    fill(byId("foot"), el("p", {}, texts.footer));
  }

  private brand(): HTMLElement {
    const mark = el("img", { src: "icons/icon.svg", alt: "", width: 32, height: 32 });
    const words = el(
      "span",
      { class: "words" },
      el("strong", { lang: "en" }, "hanji"),
      el("span", { class: "tagline" }, this.app.texts.tagline),
    );
    return el("div", { class: "brand" }, mark, words);
  }

  private navigation(): HTMLElement {
    const { nav } = this.app.texts;
    const links = VIEWS.map((name) =>
      el("li", {}, el("a", { href: `#${name}`, id: `nav-${name}` }, nav[name])),
    );
    return el("nav", { "aria-label": nav.label }, el("ul", {}, ...links));
  }

  private languages(): HTMLElement {
    const entries = Object.entries(LANGUAGES) as [Language, (typeof LANGUAGES)[Language]][];
    const buttons = entries.map(([language, texts]) => {
      const press = button(texts.language, () => this.setLanguage(language), { id: `language-${language}` });
      press.lang = language;
      press.setAttribute("aria-pressed", String(language === this.app.language));
      return press;
    });
    return el(
      "div",
      { class: "languages", role: "group", "aria-label": this.app.texts.languageLabel },
      ...buttons,
    );
  }

  private setLanguage(language: Language): void {
    rememberLanguage(language);
    this.app.language = language;
    this.app.texts = LANGUAGES[language];
    for (const view of Object.values(this.views)) view.close();
    this.views = {};
    this.current = null;
    this.build();
    this.show(route.value);
    byId(`language-${language}`).focus();
  }

  private show(name: ViewName): void {
    const isFirst = this.current === null;
    if (this.current && this.current !== name) this.views[this.current]?.hide();
    const view = (this.views[name] ??= this.createView(name));
    this.current = name;
    for (const each of VIEWS) {
      const link = byId(`nav-${each}`);
      if (each === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    fill(byId("main"), view.element);
    view.show();
    if (isFirst) return;
    scrollTo({ top: 0 });
    document.getElementById("view-title")?.focus({ preventScroll: true });
  }

  private createView(name: ViewName): View {
    if (name === "recommend") return recommendView(this.app, this.app.recommenders[0]);
    return name === "classify" ? classifyView(this.app, this.app.classifiers[0]) : engineView(this.app);
  }
}
