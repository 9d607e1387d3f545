import { messageOf } from "../../hanji/errors.ts";
import type { ExternalId } from "../../hanji/ids.ts";
import type { Reason, Recommendation } from "../../hanji/types.ts";
import { button, el } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import type { RecommendOutcome } from "./runner.ts";

/** Reasons with a smaller share are not shown, except for the first one. */
const MIN_SHARE = 0.1;

/** The results part of the view. `like` is called when the user likes a recommended item. */
export function results(
  outcome: RecommendOutcome,
  texts: Texts,
  like: ((id: ExternalId, title: string) => void) | null,
): HTMLElement {
  if (outcome.kind === "empty") return empty(texts);
  if (outcome.kind === "failed")
    return el("p", { class: "notice bad", lang: "en" }, messageOf(outcome.error));
  const { items, source } = outcome.recommendations;
  const words = texts.recommend;
  return el(
    "div",
    {},
    source === "popularity" ? el("p", { class: "notice" }, words.popularity) : null,
    outcome.explained || source === "popularity" || !like
      ? null
      : el("p", { class: "notice" }, words.whyMissing),
    el(
      "ol",
      { class: "ranking" },
      ...items.map((item) => row(item, outcome.explained && source === "model", texts, like)),
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
  like: ((id: ExternalId, title: string) => void) | null,
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

/** The reasons as a sentence, with the share of each title. */
function reasons(why: readonly Reason[], texts: Texts): HTMLElement {
  const shown = why.filter(({ share }, index) => index === 0 || share >= MIN_SHARE);
  if (shown.length === 0) return el("p", { class: "why" }, texts.recommend.noReason);
  const shares = shown.map(({ share }) => texts.percent(share)).join(" · ");
  const words = texts.recommend.because(shown.map(({ title }) => title));
  return el("p", { class: "why" }, `${words} `, el("span", { class: "shares" }, shares));
}
