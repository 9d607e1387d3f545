import { Ends, type App } from "../app.ts";
import type { Renewal } from "../bundles/updates.ts";
import { short } from "../bundles/kept.ts";
import { el, fill } from "../dom.ts";
import type { Offline } from "../offline.ts";
import type { Texts } from "../texts/index.ts";
import type { Subject } from "./subject.ts";
import { card, facts, task } from "./widgets.ts";

/** Whether the page works without a network, which version is kept, and what became of the newest one. */
export function offlineCard(app: App, subject: Subject, ends: Ends): HTMLElement {
  const words = app.texts.engine;
  const state = el("div", { role: "status", id: "offline-state" });
  const version = el("div", { id: "kept-version" });
  const again = (): void => void refresh(app, subject, state, version);
  ends.add(app.watch.state.follow(again), app.renewals.follow(again));
  const look = async (): Promise<Node | null> => {
    const found = (await app.renew(true)).find(({ name }) => name === subject.model.listed.name);
    return found ? outcome(found, app.texts) : null;
  };
  return card(
    "offline",
    words.offline,
    null,
    state,
    version,
    task(words.check, app.texts, look, { id: "check" }),
  );
}

async function refresh(app: App, subject: Subject, state: HTMLElement, place: HTMLElement): Promise<void> {
  const words = app.texts.engine;
  const { name } = subject.model.listed;
  const [version, refusal] = [await app.versions.current(name), await app.versions.refusal(name)];
  const isReady = version !== undefined;
  state.dataset["offline"] = offlineFor(app.watch.state.value, isReady);
  fill(
    state,
    el(
      "p",
      { class: isReady ? "notice good" : "notice" },
      sentence(app.watch.state.value, isReady, app.texts),
    ),
  );
  const rows: [string, string | Node][] = version
    ? [
        [words.kept, el("code", { title: version.sha256 }, short(version.sha256))],
        [words.keptSince, app.texts.date(version.takenAt)],
      ]
    : [[words.kept, words.keptNone]];
  const refused = refusal
    ? outcome({ name, outcome: "refused", reason: refusal.reason }, app.texts, refusal.sha256)
    : null;
  fill(place, facts(rows), refused);
}

/** This model is ready only when it is kept, however long the page itself has been. */
function offlineFor(page: Offline, isKept: boolean): "never" | "waiting" | "ready" {
  if (page === "never") return "never";
  return isKept ? "ready" : "waiting";
}

function sentence(offline: Offline, isReady: boolean, { engine }: Texts): string {
  if (offline === "never") return engine.offlineNever;
  return isReady ? engine.offlineReady : engine.offlineNotYet;
}

function outcome(renewal: Renewal, texts: Texts, sha256?: string): HTMLElement {
  const words = texts.engine;
  if (renewal.outcome === "refused") {
    const said = sha256 ? words.refusedVersion(short(sha256)) : texts.model.refusedUpdate;
    return el(
      "div",
      { class: "notice bad refused" },
      el("p", {}, said),
      el("p", { class: "detail", lang: "en" }, renewal.reason),
    );
  }
  const said = {
    current: words.isCurrent,
    first: words.offlineReady,
    taken: texts.model.renewed,
    unreachable: words.unreachable,
    unsupported: words.offlineNever,
  }[renewal.outcome];
  return el("p", { class: "notice" }, said);
}
