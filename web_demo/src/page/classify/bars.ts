import type { Prediction } from "../../hanji/types.ts";
import { el, fill } from "../dom.ts";
import type { Texts } from "../texts/index.ts";

interface Row {
  element: HTMLElement;
  name: HTMLElement;
  percent: HTMLElement;
  bar: HTMLElement;
}

/** A bar chart of class probabilities. Rows are reused, so that CSS transitions animate changes. */
export class Bars {
  readonly element = el("ol", { class: "bars" });
  private rows: Row[] = [];

  constructor(private readonly texts: Texts) {}

  show(predictions: readonly Prediction[]): void {
    if (this.rows.length !== predictions.length) {
      this.rows = predictions.map(newRow);
      fill(this.element, ...this.rows.map(({ element }) => element));
    }
    for (const [index, { name, probability }] of predictions.entries()) {
      const row = this.rows[index];
      if (!row) continue;
      row.name.textContent = name;
      row.percent.textContent = this.texts.percent(probability);
      // The Content-Security-Policy forbids style attributes, but not styles set by scripts.
      row.bar.style.inlineSize = `${Math.max(100 * probability, 0.5)}%`;
    }
  }
}

function newRow(): Row {
  const name = el("span", { class: "name" });
  const percent = el("span", { class: "percent" });
  const bar = el("div", { class: "fill" });
  const element = el("li", {}, name, percent, el("div", { class: "bar", "aria-hidden": "true" }, bar));
  return { element, name, percent, bar };
}
