import { type App, type Cleanups } from "../app.ts";
import type { UpdateResult } from "../bundles/updates.ts";
import { shortHash } from "../bundles/version_cache.ts";
import { el, fill } from "../dom.ts";
import type { Offline } from "../offline.ts";
import type { Texts } from "../texts/index.ts";
import type { Subject } from "./subject.ts";
import { card, facts, task } from "./widgets.ts";

/** Whether the page works offline, the stored version, and the result of the last update check. */
export function offlineCard(app: App, subject: Subject, cleanups: Cleanups): HTMLElement {
  const words = app.texts.engine;
  const state = el("div", { role: "status", id: "offline-state" });
  const version = el("div", { id: "kept-version" });
  const update = (): void => void refresh(app, subject, state, version);
  cleanups.add(app.watch.state.subscribe(update), app.updates.subscribe(update));
  const check = async (): Promise<Node | null> => {
    const result = (await app.update(true)).find(({ name }) => name === subject.model.entry.name);
    return result ? outcome(result, app.texts) : null;
  };
  return card(
    "offline",
    words.offline,
    null,
    state,
    version,
    task(words.check, app.texts, check, { id: "check" }),
  );
}

async function refresh(app: App, subject: Subject, state: HTMLElement, details: HTMLElement): Promise<void> {
  const words = app.texts.engine;
  const { name } = subject.model.entry;
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
        [words.stored, el("code", { title: version.sha256 }, shortHash(version.sha256))],
        [words.storedSince, app.texts.date(version.takenAt)],
      ]
    : [[words.stored, words.storedNone]];
  const refused = refusal
    ? outcome({ name, outcome: "refused", reason: refusal.reason }, app.texts, refusal.sha256)
    : null;
  fill(details, facts(rows), refused);
}

/** A model is ready for offline use only when it is stored, even if the page itself is. */
function offlineFor(page: Offline, isStored: boolean): "never" | "waiting" | "ready" {
  if (page === "never") return "never";
  return isStored ? "ready" : "waiting";
}

function sentence(offline: Offline, isReady: boolean, { engine }: Texts): string {
  if (offline === "never") return engine.offlineNever;
  return isReady ? engine.offlineReady : engine.offlineNotYet;
}

function outcome(result: UpdateResult, texts: Texts, sha256?: string): HTMLElement {
  const words = texts.engine;
  if (result.outcome === "refused") {
    const text = sha256 ? words.refusedVersion(shortHash(sha256)) : texts.model.refusedUpdate;
    return el(
      "div",
      { class: "notice bad refused" },
      el("p", {}, text),
      el("p", { class: "detail", lang: "en" }, result.reason),
    );
  }
  const text = {
    current: words.isCurrent,
    first: words.offlineReady,
    updated: texts.model.updated,
    unreachable: words.unreachable,
    unsupported: words.offlineNever,
  }[result.outcome];
  return el("p", { class: "notice" }, text);
}
