import { button, el } from "../dom.ts";
import type { History, Pick } from "../storage/history.ts";
import type { Texts } from "../texts/index.ts";
import { openHistoryDialog } from "./history_dialog.ts";
import type { Found } from "./search.ts";

/** The picks as chips that can be taken back, and the button to all that is kept of them. */
export function pickedPart(history: History, texts: Texts, remove: (pick: Pick) => void): HTMLElement {
  const words = texts.recommend;
  const picks = history.picks.value;
  const chips = picks.map((pick) =>
    el(
      "li",
      { class: "chip" },
      el("span", {}, pick.title),
      button("×", () => remove(pick), { kind: "remove", label: words.remove(pick.title) }),
    ),
  );
  return el(
    "section",
    { class: "picked", "aria-labelledby": "picked-title" },
    el(
      "div",
      { class: "row" },
      el("h2", { id: "picked-title", tabindex: "-1" }, words.picked),
      button(texts.history.button(picks.length), () => openHistoryDialog(history, texts), {
        kind: "quiet",
        id: "history",
      }),
    ),
    picks.length > 0
      ? el("ul", { class: "chips" }, ...chips)
      : el("p", { class: "quiet-text" }, words.nothingPicked),
  );
}

/** A few popular titles, for somebody who does not know what there is. */
export function suggestionsPart(
  found: readonly Found[],
  texts: Texts,
  add: (found: Found) => void,
): HTMLElement {
  return el(
    "section",
    { class: "suggestions", "aria-labelledby": "suggestions-title" },
    el("h2", { id: "suggestions-title" }, texts.recommend.suggestions),
    el(
      "ul",
      { class: "chips" },
      ...found.map((each) =>
        el(
          "li",
          {},
          button(`+ ${each.title}`, () => add(each), {
            kind: "suggestion",
            label: texts.recommend.likeTitle(each.title),
          }),
        ),
      ),
    ),
  );
}
