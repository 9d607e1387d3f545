import { messageOf } from "../../hanji/errors.ts";
import type { OwnId } from "../../hanji/ids.ts";
import type { Reason, Recommendation } from "../../hanji/types.ts";
import { button, el } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import type { Answer } from "./asking.ts";

/** Below this share a reason is noise beside the others. */
const SMALLEST_SHARE = 0.1;

/** The answer side of the view. `like` is called with an item that somebody likes, too. */
export function results(
  answer: Answer,
  texts: Texts,
  like: ((id: OwnId, title: string) => void) | null,
): HTMLElement {
  if (answer.kind === "empty") return empty(texts);
  if (answer.kind === "failed") return el("p", { class: "notice bad", lang: "en" }, messageOf(answer.error));
  const { items, source } = answer.recommendations;
  const words = texts.recommend;
  return el(
    "div",
    {},
    source === "popularity" ? el("p", { class: "notice" }, words.popularity) : null,
    answer.explained || source === "popularity" || !like
      ? null
      : el("p", { class: "notice" }, words.whyMissing),
    el(
      "ol",
      { class: "ranking" },
      ...items.map((item) => row(item, answer.explained && source === "model", texts, like)),
    ),
  );
}

function empty({ recommend }: Texts): HTMLElement {
  return el(
    "div",
    { class: "empty" },
    el("p", { class: "big" }, recommend.emptyTitle),
    el("p", {}, recommend.empty),
  );
}

function row(
  item: Recommendation,
  explained: boolean,
  texts: Texts,
  like: ((id: OwnId, title: string) => void) | null,
): HTMLElement {
  const { title, genres } = item;
  const press = (): void => like?.(item.item, title);
  return el(
    "li",
    { class: "recommendation" },
    el("span", { class: "rank", "aria-hidden": "true" }, String(item.rank)),
    el(
      "div",
      { class: "what" },
      el("h3", { class: "title" }, title),
      el("p", { class: "genres" }, genres.join(" · ")),
      explained ? reasons(item.why, texts) : null,
    ),
    like
      ? button(`♡ ${texts.recommend.like}`, press, {
          kind: "quiet like",
          label: texts.recommend.likeTitle(title),
        })
      : null,
  );
}

/** Why, in words, and how much of it each title makes up. */
function reasons(why: readonly Reason[], texts: Texts): HTMLElement {
  const told = why.filter(({ share }, place) => place === 0 || share >= SMALLEST_SHARE);
  if (told.length === 0) return el("p", { class: "why" }, texts.recommend.noReason);
  const shares = told.map(({ share }) => texts.percent(share)).join(" · ");
  const words = texts.recommend.because(told.map(({ title }) => title));
  return el("p", { class: "why" }, `${words} `, el("span", { class: "shares" }, shares));
}
