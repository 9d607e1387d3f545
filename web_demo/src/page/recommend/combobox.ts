import { announce } from "../announce.ts";
import { el, fill } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import type { Match } from "./search.ts";

const LIMIT = 8;

/**
 * A search field with suggestions: the combobox pattern with a listbox of the ARIA Authoring Practices.
 */
export class Combobox {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  private readonly popup = el("ul", {
    class: "options",
    role: "listbox",
    id: "search-options",
    hidden: true,
  });
  private matches: readonly Match[] = [];
  private active = -1;
  private announcement: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly texts: Texts,
    private readonly find: (text: string, limit: number) => Match[],
    private readonly pick: (match: Match) => void,
  ) {
    const words = texts.recommend;
    this.input = el("input", {
      type: "text",
      id: "search",
      class: "search",
      role: "combobox",
      placeholder: words.placeholder,
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      enterkeyhint: "search",
      "aria-expanded": "false",
      "aria-controls": "search-options",
      "aria-autocomplete": "list",
      "aria-describedby": "search-help",
      disabled: true,
      oninput: () => this.search(),
      onkeydown: (event: KeyboardEvent) => this.key(event),
      onfocus: () => this.search(),
      onblur: () => this.close(),
    });
    this.popup.setAttribute("aria-label", words.search);
    this.element = el(
      "div",
      { class: "combobox" },
      el("label", { for: "search", class: "label" }, words.search),
      el("div", { class: "field" }, this.input, this.popup),
      el("p", { id: "search-help", class: "unseen" }, words.searchHelp),
    );
  }

  private search(): void {
    const text = this.input.value;
    this.matches = this.find(text, LIMIT);
    this.active = -1;
    if (text.trim() === "") return this.close();
    const rows = this.matches.map((match, index) => this.option(match, index));
    const none = el(
      "li",
      { class: "none", role: "option", "aria-disabled": "true" },
      this.texts.recommend.nothingFound,
    );
    fill(this.popup, ...(rows.length > 0 ? rows : [none]));
    this.popup.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.input.removeAttribute("aria-activedescendant");
    this.announceCount();
  }

  /** Announces the number of matches once typing pauses. */
  private announceCount(): void {
    const { found, nothingFound } = this.texts.recommend;
    clearTimeout(this.announcement);
    this.announcement = setTimeout(() => {
      if (!this.popup.hidden) announce(this.matches.length > 0 ? found(this.matches.length) : nothingFound);
    }, 700);
  }

  private option(match: Match, index: number): HTMLElement {
    return el(
      "li",
      {
        id: `search-option-${index}`,
        role: "option",
        "aria-selected": "false",
        // Not "click": before a click, the input loses the focus and the list closes.
        onpointerdown: (event: PointerEvent) => {
          event.preventDefault();
          this.choose(index);
        },
      },
      el("span", { class: "title" }, match.title),
      el("span", { class: "genres" }, match.genres.join(", ")),
    );
  }

  private key(event: KeyboardEvent): void {
    // While the input method composes a Hangul syllable, it handles Enter and the arrow keys.
    if (event.isComposing) return;
    const actions = {
      ArrowDown: () => this.move(1),
      ArrowUp: () => this.move(-1),
      Enter: () => this.choose(Math.max(this.active, 0)),
    };
    const action = actions[event.key as keyof typeof actions];
    if (action && this.input.value.trim() !== "") {
      event.preventDefault();
      action();
    } else if (event.key === "Escape") {
      if (this.popup.hidden) this.input.value = "";
      this.close();
    }
  }

  private move(by: number): void {
    if (this.popup.hidden) this.search();
    const count = this.matches.length;
    if (count === 0) return;
    const from = this.active < 0 && by < 0 ? count : this.active;
    this.active = (from + by + count) % count;
    for (const [index, row] of [...this.popup.children].entries()) {
      row.setAttribute("aria-selected", String(index === this.active));
      if (index === this.active) row.scrollIntoView({ block: "nearest" });
    }
    this.input.setAttribute("aria-activedescendant", `search-option-${this.active}`);
  }

  private choose(index: number): void {
    const match = this.popup.hidden ? undefined : this.matches[index];
    if (!match) return;
    this.input.value = "";
    this.close();
    this.pick(match);
  }

  private close(): void {
    clearTimeout(this.announcement);
    this.popup.hidden = true;
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
