import { announce } from "../announce.ts";
import { type App, Cleanups, type View } from "../app.ts";
import { el, fill } from "../dom.ts";
import { absent, modelStatus } from "../status.ts";
import type { Texts } from "../texts/index.ts";
import { type RecommendOutcome, RecommendRunner } from "./runner.ts";
import { Combobox } from "./combobox.ts";
import { pickedPart, suggestionsPart } from "./picks.ts";
import { results } from "./results.ts";
import { TitleSearch } from "./search.ts";
import type { RecommendState } from "./state.ts";
import { userField } from "./user_field.ts";

const SUGGESTIONS = 6;

/** The view for recommendations: pick a few titles, and get ten recommendations with reasons. */
export function recommendView(app: App, state: RecommendState | undefined): View {
  if (!state) return { element: absent(app.texts), show: () => {}, hide: () => {}, close: () => {} };
  const view = new RecommendView(app.texts, state);
  return {
    element: view.element,
    show: () => void state.model.open(),
    hide: () => {},
    close: () => view.cleanups.run(),
  };
}

class RecommendView {
  readonly cleanups = new Cleanups();
  readonly element: HTMLElement;
  private readonly runner: RecommendRunner;
  private readonly combobox: Combobox;
  private readonly inputPart: HTMLElement;
  private readonly picked = el("div", {});
  private readonly suggestions = el("div", {});
  private readonly note = el("p", { class: "quiet-text" });
  private readonly resultsTitle: HTMLElement;
  private readonly resultsBody = el("div", { class: "answer-body" });
  private search: TitleSearch | null = null;
  private searchedRemote: unknown = null;

  constructor(
    private readonly texts: Texts,
    private readonly state: RecommendState,
  ) {
    this.runner = new RecommendRunner(state);
    this.resultsTitle = el(
      "h2",
      { id: "answer-title", class: "answer-title", tabindex: "-1" },
      texts.recommend.results,
    );
    this.combobox = new Combobox(
      texts,
      (text, limit) => this.search?.find(text, limit) ?? [],
      ({ id, title }) => this.add(id, title),
    );
    this.inputPart = el("div", {}, this.combobox.element);
    this.element = this.page();
    this.cleanups.add(
      state.model.state.subscribe(() => this.modelChanged()),
      state.history.picks.subscribe(() => this.picksChanged()),
      this.runner.outcome.subscribe((outcome) => this.show(outcome)),
      this.runner.busy.subscribe((busy) => this.resultsBody.setAttribute("aria-busy", String(busy))),
    );
  }

  private page(): HTMLElement {
    const words = this.texts.recommend;
    const status = modelStatus(this.state.model, this.texts);
    this.cleanups.add(status.dispose);
    const input = el(
      "div",
      { class: "ask" },
      el("h1", { id: "view-title", tabindex: "-1" }, words.heading),
      el("p", { class: "lead" }, words.lead),
      status.element,
      this.inputPart,
      this.picked,
      this.suggestions,
      this.note,
    );
    const head = el("div", { class: "row" }, this.resultsTitle, this.diversitySwitch());
    const resultsPart = el(
      "section",
      { class: "answer", "aria-labelledby": "answer-title" },
      head,
      this.resultsBody,
    );
    return el("div", { class: "columns" }, input, resultsPart);
  }

  private diversitySwitch(): HTMLElement {
    const words = this.texts.recommend;
    const box: HTMLInputElement = el("input", {
      type: "checkbox",
      checked: this.state.diversify,
      onchange: () => {
        this.state.diversify = box.checked;
        void this.runner.update();
      },
    });
    return el("label", { class: "switch", title: words.diversifyHelp }, box, el("span", {}, words.diversify));
  }

  private modelChanged(): void {
    const { value } = this.state.model.state;
    this.combobox.input.disabled = value.kind !== "ready";
    if (value.kind !== "ready" || this.searchedRemote === value.remote) return;
    this.searchedRemote = value.remote;
    this.search = new TitleSearch(value.remote.items);
    const { remote } = value;
    this.note.textContent = remote.manifest.training_data.synthetic ? this.texts.model.synthetic : "";
    if (remote.takes === "user") this.showUserField();
    this.picksChanged();
  }

  /** A model that takes a user id needs no picks. */
  private showUserField(): void {
    fill(
      this.inputPart,
      userField(this.state, this.texts, () => void this.runner.update()),
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
    void this.runner.update();
  }

  private show(outcome: RecommendOutcome): void {
    const words = this.texts.recommend;
    const open = this.state.model.state.value;
    const byHistory = open.kind === "ready" && open.remote.takes === "history";
    const like = byHistory ? (id: number | string, title: string): void => this.add(id, title) : null;
    keepingFocus("answer-title", () => fill(this.resultsBody, results(outcome, this.texts, like)));
    this.resultsTitle.textContent = words.results;
    if (outcome.kind !== "result") return;
    const count = outcome.recommendations.items.length;
    this.resultsTitle.textContent = words.resultsCount(count);
    announce(words.announce(count, outcome.picks));
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
 * Runs `change`; if it removes the focused element, moves the focus to a heading instead of losing it.
 */
function keepingFocus(heading: string, change: () => void): void {
  const focused = document.activeElement;
  change();
  if (!(focused instanceof HTMLElement) || focused.isConnected) return;
  // Not to the input, which would open the on-screen keyboard on a phone.
  document.getElementById(heading)?.focus({ preventScroll: true });
}
