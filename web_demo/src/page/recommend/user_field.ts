import { button, el } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import type { RecommendState } from "./state.ts";

/** The input of the user id, for a model that takes one. */
export function userField(state: RecommendState, texts: Texts, onSubmit: () => void): HTMLElement {
  const words = texts.recommend;
  const input = el("input", {
    id: "user",
    class: "search",
    type: "text",
    autocomplete: "off",
    value: state.user,
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    state.user = input.value.trim();
    onSubmit();
  };
  const send = button(words.ask, () => form.requestSubmit(), { kind: "primary" });
  const form = el(
    "form",
    { class: "user", onsubmit: submit },
    el("label", { for: "user", class: "label" }, words.user),
    el("div", { class: "row" }, input, send),
    el("p", { class: "quiet-text" }, words.userHelp),
  );
  return form;
}
