import { button, el, fill } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import { examplesOf, type Example } from "./examples.ts";
import { put, shownPixels } from "./pixels.ts";
import type { ClassifyState } from "./state.ts";

const COUNT = 6;

/** Pictures that the bundle brings along: a first look for whoever cannot or does not want to draw. */
export function examplesPart(state: ClassifyState, texts: Texts): { element: HTMLElement; end: () => void } {
  const list = el("ul", { class: "examples" });
  const element = el(
    "section",
    { "aria-labelledby": "examples-title", hidden: true },
    el("h2", { id: "examples-title" }, texts.classify.examples),
    list,
  );
  const show = async (): Promise<void> => {
    const open = state.model.state.value;
    if (open.kind !== "ready") return;
    // Without examples the view is as good: what is wrong with the file the self-test says.
    const examples = await examplesOf(open.remote, open.url, COUNT).catch(() => []);
    fill(list, ...examples.map((example) => el("li", {}, exampleButton(example, state, texts))));
    element.hidden = examples.length === 0;
  };
  const end = state.model.state.follow(() => void show());
  return { element, end };
}

function exampleButton({ label, pixels }: Example, state: ClassifyState, texts: Texts): HTMLElement {
  const name = texts.classify.example(label);
  const shown = shownPixels(pixels.data, pixels.width, pixels.height, pixels.channels);
  const canvas = el("canvas", {});
  put(canvas, shown);
  const press = (): void => {
    state.inverted.set(false);
    state.shot.set({ pixels: shown, name });
    state.source.set("picture");
  };
  const made = button("", press, { kind: "example", label: name });
  made.append(canvas);
  return made;
}
