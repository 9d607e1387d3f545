import { button, el, fill } from "../dom.ts";
import { messageOf } from "../../hanji/errors.ts";
import type { Texts } from "../texts/index.ts";

/** A section of the diagnostics view. */
export function card(
  id: string,
  title: string,
  lead: string | null,
  ...children: readonly (Node | null)[]
): HTMLElement {
  return el(
    "section",
    { class: "card", id, "aria-labelledby": `${id}-title` },
    el("h2", { id: `${id}-title` }, title),
    lead === null ? null : el("p", { class: "quiet-text" }, lead),
    ...children,
  );
}

/** A list of names and values, such as "Backend: wasm". */
export function facts(rows: readonly (readonly [string, string | Node])[]): HTMLElement {
  return el(
    "dl",
    { class: "facts" },
    ...rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}

/** A table with row headers in the first column. Wide tables scroll, with the keyboard as well. */
export function table(
  label: string,
  head: readonly string[],
  rows: readonly (readonly (string | Node)[])[],
): HTMLElement {
  const top = el("tr", {}, ...head.map((cell) => el("th", { scope: "col" }, cell)));
  const body = rows.map(([first, ...rest]) =>
    el("tr", {}, el("th", { scope: "row" }, first ?? ""), ...rest.map((cell) => el("td", {}, cell))),
  );
  const element = el("table", {}, el("thead", {}, top), el("tbody", {}, ...body));
  return el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label }, element);
}

/** A button that starts a longer task, and a region that shows and announces its result. */
export function task(
  label: string,
  texts: Texts,
  work: (show: (node: Node) => void) => Promise<Node | null>,
  options: { id: string; kind?: string },
): HTMLElement {
  const outcome = el("div", { class: "outcome", role: "status" });
  const run = async (): Promise<void> => {
    press.disabled = true;
    press.setAttribute("aria-busy", "true");
    fill(outcome, el("p", { class: "quiet-text" }, texts.working));
    try {
      const done = await work((node) => fill(outcome, node));
      if (done) fill(outcome, done);
    } catch (error) {
      fill(outcome, problem(error));
    }
    press.removeAttribute("aria-busy");
    press.disabled = false;
  };
  const press = button(label, () => void run(), { kind: options.kind ?? "", id: options.id });
  return el("div", { class: "task" }, press, outcome);
}

/** An error message of the loader, which is in English. */
export function problem(error: unknown): HTMLElement {
  return el("p", { class: "notice bad", lang: "en" }, messageOf(error));
}
