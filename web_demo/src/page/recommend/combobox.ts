import { announce } from "../announce.ts";
import { el, fill } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import type { Found } from "./search.ts";

const LIMIT = 8;

/**
 * An input that finds items as somebody types: a combobox with a listbox, as the ARIA Authoring
 * Practices have it.
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
  private found: readonly Found[] = [];
  private active = -1;
  private speaking: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly texts: Texts,
    private readonly find: (text: string, limit: number) => Found[],
    private readonly pick: (found: Found) => void,
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
      onblur: () => this.shut(),
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
    this.found = this.find(text, LIMIT);
    this.active = -1;
    if (text.trim() === "") return this.shut();
    const rows = this.found.map((found, index) => this.option(found, index));
    const none = el(
      "li",
      { class: "none", role: "option", "aria-disabled": "true" },
      this.texts.recommend.nothingFound,
    );
    fill(this.popup, ...(rows.length > 0 ? rows : [none]));
    this.popup.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.input.removeAttribute("aria-activedescendant");
    this.speak();
  }

  /** Says how many were found, but not at every letter. */
  private speak(): void {
    const { found, nothingFound } = this.texts.recommend;
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      if (!this.popup.hidden) announce(this.found.length > 0 ? found(this.found.length) : nothingFound);
    }, 700);
  }

  private option(found: Found, index: number): HTMLElement {
    return el(
      "li",
      {
        id: `search-option-${index}`,
        role: "option",
        "aria-selected": "false",
        // Not "click": the input would have lost the focus, and the list with it, before that.
        onpointerdown: (event: PointerEvent) => {
          event.preventDefault();
          this.choose(index);
        },
      },
      el("span", { class: "title" }, found.title),
      el("span", { class: "genres" }, found.genres.join(", ")),
    );
  }

  private key(event: KeyboardEvent): void {
    // While a Hangul syllable is being composed, Enter and the arrows belong to the input method.
    if (event.isComposing) return;
    const act = {
      ArrowDown: () => this.move(1),
      ArrowUp: () => this.move(-1),
      Enter: () => this.choose(Math.max(this.active, 0)),
    };
    const found = act[event.key as keyof typeof act];
    if (found && this.input.value.trim() !== "") {
      event.preventDefault();
      found();
    } else if (event.key === "Escape") {
      if (this.popup.hidden) this.input.value = "";
      this.shut();
    }
  }

  private move(by: number): void {
    if (this.popup.hidden) this.search();
    const count = this.found.length;
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
    const found = this.popup.hidden ? undefined : this.found[index];
    if (!found) return;
    this.input.value = "";
    this.shut();
    this.pick(found);
  }

  private shut(): void {
    clearTimeout(this.speaking);
    this.popup.hidden = true;
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
