import { announce } from "../announce.ts";
import { Ends, type App, type View } from "../app.ts";
import { el, fill } from "../dom.ts";
import { absent, modelStatus } from "../status.ts";
import type { Texts } from "../texts/index.ts";
import { Asking, type Answer } from "./asking.ts";
import { Combobox } from "./combobox.ts";
import { pickedPart, suggestionsPart } from "./picks.ts";
import { results } from "./results.ts";
import { TitleSearch } from "./search.ts";
import type { RecommendState } from "./state.ts";
import { userField } from "./user_field.ts";

const SUGGESTIONS = 6;

/** Pick a few titles, get ten with their reasons. */
export function recommendView(app: App, state: RecommendState | undefined): View {
  if (!state) return { element: absent(app.texts), show: () => {}, hide: () => {}, close: () => {} };
  const view = new RecommendView(app.texts, state);
  return {
    element: view.element,
    show: () => void state.model.open(),
    hide: () => {},
    close: () => view.ends.run(),
  };
}

class RecommendView {
  readonly ends = new Ends();
  readonly element: HTMLElement;
  private readonly asking: Asking;
  private readonly combobox: Combobox;
  private readonly lead: HTMLElement;
  private readonly picked = el("div", {});
  private readonly suggestions = el("div", {});
  private readonly note = el("p", { class: "quiet-text" });
  private readonly answerTitle: HTMLElement;
  private readonly answer = el("div", { class: "answer-body" });
  private search: TitleSearch | null = null;
  private searched: unknown = null;

  constructor(
    private readonly texts: Texts,
    private readonly state: RecommendState,
  ) {
    this.asking = new Asking(state);
    this.answerTitle = el(
      "h2",
      { id: "answer-title", class: "answer-title", tabindex: "-1" },
      texts.recommend.results,
    );
    this.combobox = new Combobox(
      texts,
      (text, limit) => this.search?.find(text, limit) ?? [],
      ({ id, title }) => this.add(id, title),
    );
    this.lead = el("div", {}, this.combobox.element);
    this.element = this.page();
    this.ends.add(
      state.model.state.follow(() => this.modelChanged()),
      state.history.picks.follow(() => this.picksChanged()),
      this.asking.answer.follow((answer) => this.answered(answer)),
      this.asking.busy.follow((busy) => this.answer.setAttribute("aria-busy", String(busy))),
    );
  }

  private page(): HTMLElement {
    const words = this.texts.recommend;
    const status = modelStatus(this.state.model, this.texts);
    this.ends.add(status.end);
    const ask = el(
      "div",
      { class: "ask" },
      el("h1", { id: "view-title", tabindex: "-1" }, words.heading),
      el("p", { class: "lead" }, words.lead),
      status.element,
      this.lead,
      this.picked,
      this.suggestions,
      this.note,
    );
    const head = el("div", { class: "row" }, this.answerTitle, this.spreadSwitch());
    const answer = el("section", { class: "answer", "aria-labelledby": "answer-title" }, head, this.answer);
    return el("div", { class: "columns" }, ask, answer);
  }

  private spreadSwitch(): HTMLElement {
    const words = this.texts.recommend;
    const box: HTMLInputElement = el("input", {
      type: "checkbox",
      checked: this.state.spread,
      onchange: () => {
        this.state.spread = box.checked;
        void this.asking.again();
      },
    });
    return el("label", { class: "switch", title: words.spreadHelp }, box, el("span", {}, words.spread));
  }

  private modelChanged(): void {
    const { value } = this.state.model.state;
    this.combobox.input.disabled = value.kind !== "ready";
    if (value.kind !== "ready" || this.searched === value.remote) return;
    this.searched = value.remote;
    this.search = new TitleSearch(value.remote.items);
    const { remote } = value;
    this.note.textContent = remote.manifest.training_data.synthetic ? this.texts.model.synthetic : "";
    if (remote.takes === "user") this.askForUser();
    this.picksChanged();
  }

  /** A model of users is asked by number: there is nothing to pick. */
  private askForUser(): void {
    fill(
      this.lead,
      userField(this.state, this.texts, () => void this.asking.again()),
    );
    fill(this.picked);
    fill(this.suggestions);
  }

  private picksChanged(): void {
    const { model, history } = this.state;
    const open = model.state.value;
    if (open.kind === "ready" && open.remote.takes === "user") return;
    fill(
      this.picked,
      pickedPart(history, this.texts, ({ item, title }) => this.remove(item, title)),
    );
    const popular = this.search?.popular(SUGGESTIONS, (id) => history.has(id)) ?? [];
    const show = popular.length > 0 && history.picks.value.length < 3;
    fill(
      this.suggestions,
      show ? suggestionsPart(popular, this.texts, ({ id, title }) => this.add(id, title)) : null,
    );
    void this.asking.again();
  }

  private answered(answer: Answer): void {
    const words = this.texts.recommend;
    const open = this.state.model.state.value;
    const byHistory = open.kind === "ready" && open.remote.takes === "history";
    const like = byHistory ? (id: number | string, title: string): void => this.add(id, title) : null;
    keepingFocus("answer-title", () => fill(this.answer, results(answer, this.texts, like)));
    this.answerTitle.textContent = words.results;
    if (answer.kind !== "answer") return;
    const count = answer.recommendations.items.length;
    this.answerTitle.textContent = words.resultsCount(count);
    announce(words.announce(count, answer.asked));
  }

  private add(id: number | string, title: string): void {
    keepingFocus("picked-title", () => void this.state.history.add(id, title));
    announce(this.texts.recommend.added(title));
  }

  private remove(id: number | string, title: string): void {
    keepingFocus("picked-title", () => void this.state.history.remove(id));
    announce(this.texts.recommend.removed(title));
  }
}

/**
 * What was pressed may go away with a change; the focus then goes to a heading, not to the top of the
 * page.
 */
function keepingFocus(heading: string, change: () => void): void {
  const focused = document.activeElement;
  change();
  if (!(focused instanceof HTMLElement) || focused.isConnected) return;
  // Not to the input: on a phone that would bring up the keyboard.
  document.getElementById(heading)?.focus({ preventScroll: true });
}
