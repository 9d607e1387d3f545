import { button, el } from "../dom.ts";
import type { History, Pick } from "../storage/history.ts";
import type { Texts } from "../texts/index.ts";
import { openHistoryDialog } from "./history_dialog.ts";
import type { Match } from "./search.ts";

/** The picks as removable chips, and the button that opens the history. */
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

/** A few popular titles to start with. */
export function suggestionsPart(
  matches: readonly Match[],
  texts: Texts,
  add: (match: Match) => void,
): HTMLElement {
  return el(
    "section",
    { class: "suggestions", "aria-labelledby": "suggestions-title" },
    el("h2", { id: "suggestions-title" }, texts.recommend.suggestions),
    el(
      "ul",
      { class: "chips" },
      ...matches.map((match) =>
        el(
          "li",
          {},
          button(`+ ${match.title}`, () => add(match), {
            kind: "suggestion",
            label: texts.recommend.likeTitle(match.title),
          }),
        ),
      ),
    ),
  );
}
