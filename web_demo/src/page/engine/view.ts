import { Ends, type App, type View } from "../app.ts";
import { button, el, fill } from "../dom.ts";
import { absent, modelStatus } from "../status.ts";
import { answersCard, filesCard, latencyCard, selfTestCard } from "./cards.ts";
import { enginesCard, fullCard } from "./compare.ts";
import { offlineCard } from "./offline_card.ts";
import { ClassifierSubject, RecommenderSubject, type Subject } from "./subject.ts";

/** What was fetched, how it was checked, and who answers how quickly: for each bundle of the page. */
export function engineView(app: App): View {
  const subjects: Subject[] = [
    ...app.recommenders.map((state) => new RecommenderSubject(app, state)),
    ...app.classifiers.map((state) => new ClassifierSubject(app, state)),
  ];
  const view = new EngineView(app, subjects);
  return {
    element: view.element,
    show: () => view.show(),
    hide: () => view.ends.run(),
    close: () => view.ends.run(),
  };
}

class EngineView {
  readonly ends = new Ends();
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

  /** Opens the chosen bundle and follows it. */
  show(): void {
    this.ends.run();
    const { chosen } = this;
    if (!chosen) return fill(this.body, absent(this.app.texts));
    for (const [subject, tab] of this.tabs) tab.setAttribute("aria-pressed", String(subject === chosen));
    const status = modelStatus(chosen.model, this.app.texts);
    const cards = el("div", { class: "cards" });
    fill(this.body, status.element, cards);
    // Cards of a model that no longer answers follow nothing any more.
    const old = new Ends();
    const end = chosen.model.state.follow(() => {
      old.run();
      fill(cards, ...this.cards(chosen, old));
    });
    this.ends.add(status.end, end, () => old.run());
    void chosen.model.open();
  }

  private cards(subject: Subject, ends: Ends): HTMLElement[] {
    const { texts } = this.app;
    const state = subject.model.state.value;
    const offline = offlineCard(this.app, subject, ends);
    if (state.kind !== "ready") return [offline];
    return [
      answersCard(subject, state, texts),
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
      const tab = button(subject.model.listed.name, press);
      this.tabs.set(subject, tab);
      group.append(tab);
    }
    return group;
  }
}
