import { type App, Cleanups, type View } from "../app.ts";
import { button, el, fill } from "../dom.ts";
import { absent, modelStatus } from "../status.ts";
import { engineCard, filesCard, latencyCard, selfTestCard } from "./cards.ts";
import { enginesCard, fullCard } from "./compare.ts";
import { offlineCard } from "./offline_card.ts";
import { ClassifierSubject, RecommenderSubject, type Subject } from "./subject.ts";

/** The diagnostics view: downloaded files, self-test, engines and latency of each bundle of the page. */
export function engineView(app: App): View {
  const subjects: Subject[] = [
    ...app.recommenders.map((state) => new RecommenderSubject(app, state)),
    ...app.classifiers.map((state) => new ClassifierSubject(app, state)),
  ];
  const view = new EngineView(app, subjects);
  return {
    element: view.element,
    show: () => view.show(),
    hide: () => view.cleanups.run(),
    close: () => view.cleanups.run(),
  };
}

class EngineView {
  readonly cleanups = new Cleanups();
  readonly element: HTMLElement;
  private readonly body = el("div", {});
  private readonly tabs = new Map<Subject, HTMLButtonElement>();
  private chosen: Subject | undefined;

  constructor(
    private readonly app: App,
    private readonly subjects: readonly Subject[],
  ) {
    const words = app.texts.engine;
    this.chosen = subjects[0];
    this.element = el(
      "div",
      { class: "engine" },
      el("h1", { id: "view-title", tabindex: "-1" }, words.heading),
      el("p", { class: "lead" }, words.lead),
      subjects.length > 1 ? this.segments() : null,
      this.body,
    );
  }

  /** Opens the selected bundle and shows its cards. */
  show(): void {
    this.cleanups.run();
    const { chosen } = this;
    if (!chosen) return fill(this.body, absent(this.app.texts));
    for (const [subject, tab] of this.tabs) tab.setAttribute("aria-pressed", String(subject === chosen));
    const status = modelStatus(chosen.model, this.app.texts);
    const cards = el("div", { class: "cards" });
    fill(this.body, status.element, cards);
    // When the model changes, the subscriptions of its previous cards end.
    const cardCleanups = new Cleanups();
    const dispose = chosen.model.state.subscribe(() => {
      cardCleanups.run();
      fill(cards, ...this.cards(chosen, cardCleanups));
    });
    this.cleanups.add(status.dispose, dispose, () => cardCleanups.run());
    void chosen.model.open();
  }

  private cards(subject: Subject, cleanups: Cleanups): HTMLElement[] {
    const { texts } = this.app;
    const state = subject.model.state.value;
    const offline = offlineCard(this.app, subject, cleanups);
    if (state.kind !== "ready") return [offline];
    return [
      engineCard(subject, state, texts),
      filesCard(state, texts),
      selfTestCard(state, texts),
      latencyCard(subject, texts),
      enginesCard(subject, texts),
      fullCard(subject, texts),
      offline,
    ];
  }

  private segments(): HTMLElement {
    const group = el("div", { class: "segments", role: "group", "aria-label": this.app.texts.model.label });
    for (const subject of this.subjects) {
      const press = (): void => {
        this.chosen = subject;
        this.show();
      };
      const tab = button(subject.model.entry.name, press);
      this.tabs.set(subject, tab);
      group.append(tab);
    }
    return group;
  }
}
