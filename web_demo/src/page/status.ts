import { messageOf } from "../hanji/errors.ts";
import type { AnyModel } from "./app.ts";
import type { State, Remote } from "./bundles/model.ts";
import { button, el, fill } from "./dom.ts";
import type { Texts } from "./texts/index.ts";

/** The status of a model that is not ready: its download progress, or why it was refused. */
export function modelStatus(model: AnyModel, texts: Texts): { element: HTMLElement; dispose: () => void } {
  const element = el("div", { class: "status", role: "status" });
  const dispose = model.state.subscribe((state) => fill(element, statusOf(state, model, texts)));
  return { element, dispose };
}

function statusOf(state: State<Remote>, model: AnyModel, texts: Texts): HTMLElement | null {
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

/** Why a model was refused; the messages of the loader are in English. */
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

/** The content of a view without a bundle. */
export function absent(texts: Texts): HTMLElement {
  return el(
    "div",
    { class: "notice" },
    el("h2", {}, texts.model.absentTitle),
    el("p", {}, texts.model.absent),
  );
}
