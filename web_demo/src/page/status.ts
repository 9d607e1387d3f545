import { messageOf } from "../hanji/errors.ts";
import type { AnyModel } from "./app.ts";
import type { State, Remote } from "./bundles/model.ts";
import { button, el, fill } from "./dom.ts";
import type { Texts } from "./texts/index.ts";

/** Where a model stands, while it does not answer: how much of it has come, or why it was refused. */
export function modelStatus(model: AnyModel, texts: Texts): { element: HTMLElement; end: () => void } {
  const element = el("div", { class: "status", role: "status" });
  const end = model.state.follow((state) => fill(element, shown(state, model, texts)));
  return { element, end };
}

function shown(state: State<Remote>, model: AnyModel, texts: Texts): HTMLElement | null {
  if (state.kind === "opening") return opening(state.percent, texts);
  if (state.kind === "failed") return refusal(state.error, texts, () => void model.reopen());
  return null;
}

function opening(percent: number, texts: Texts): HTMLElement {
  const label = texts.model.opening(percent);
  return el(
    "div",
    { class: "opening" },
    el("progress", { max: 100, value: percent, "aria-label": label }),
    el("span", {}, label),
  );
}

/** What was wrong with a model; the loader's own words are English. */
function refusal(error: unknown, texts: Texts, retry: () => void): HTMLElement {
  return el(
    "div",
    { class: "notice bad" },
    el("h2", {}, texts.model.refusedTitle),
    el("p", {}, texts.model.refused),
    el("p", { class: "detail" }, `${texts.model.detail}: `, el("span", { lang: "en" }, messageOf(error))),
    button(texts.model.retry, retry, { kind: "primary" }),
  );
}

/** For a view without a bundle. */
export function absent(texts: Texts): HTMLElement {
  return el(
    "div",
    { class: "notice" },
    el("h2", {}, texts.model.absentTitle),
    el("p", {}, texts.model.absent),
  );
}
