import type { Answer } from "../../hanji/types.ts";
import { el, fill } from "../dom.ts";
import type { Texts } from "../texts/index.ts";

/** A name and what the model says about it. */
export interface Entry {
  name: string;
  text: string;
  /** The length of the bar; none for a number, which has no largest value. */
  share?: number;
}

interface Row {
  element: HTMLElement;
  name: HTMLElement;
  text: HTMLElement;
  track: HTMLElement;
  bar: HTMLElement;
}

/** What a model says about an image: classes with their probabilities, or values with their units. */
export function entriesOf(answer: Answer, texts: Texts): Entry[] {
  if ("values" in answer) {
    return answer.values.map(({ name, value, unit }) => ({ name, text: texts.value(value, unit) }));
  }
  return answer.predictions.map(({ name, probability: share }) => {
    return { name, text: texts.percent(share), share };
  });
}

/**
 * A bar chart of class probabilities, or a list of values. Rows are reused, so that CSS transitions animate
 * changes.
 */
export class Bars {
  readonly element = el("ol", { class: "bars" });
  private rows: Row[] = [];

  show(entries: readonly Entry[]): void {
    if (this.rows.length !== entries.length) {
      this.rows = entries.map(newRow);
      fill(this.element, ...this.rows.map(({ element }) => element));
    }
    for (const [index, { name, text, share }] of entries.entries()) {
      const row = this.rows[index];
      if (!row) continue;
      row.name.textContent = name;
      row.text.textContent = text;
      row.track.hidden = share === undefined;
      // The Content-Security-Policy forbids style attributes, but not styles set by scripts.
      row.bar.style.inlineSize = `${Math.max(100 * (share ?? 0), 0.5)}%`;
    }
  }
}

function newRow(): Row {
  const name = el("span", { class: "name" });
  const text = el("span", { class: "percent" });
  const bar = el("div", { class: "fill" });
  const track = el("div", { class: "bar", "aria-hidden": "true" }, bar);
  return { element: el("li", {}, name, text, track), name, text, track, bar };
}
