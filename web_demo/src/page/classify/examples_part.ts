import { button, el, fill } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import { examplesOf, type Example } from "./examples.ts";
import { drawPixels, toImageData } from "./pixels.ts";
import type { ClassifyState } from "./state.ts";

const COUNT = 6;

/** Example images of the bundle, to try the model without drawing. */
export function examplesPart(
  state: ClassifyState,
  texts: Texts,
): { element: HTMLElement; dispose: () => void } {
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
    // Examples are optional; problems with the file are reported by the self-test.
    const examples = await examplesOf(open.remote, open.url, COUNT).catch(() => []);
    fill(list, ...examples.map((example) => el("li", {}, exampleButton(example, state, texts))));
    element.hidden = examples.length === 0;
  };
  const dispose = state.model.state.subscribe(() => void show());
  return { element, dispose };
}

function exampleButton({ label, pixels }: Example, state: ClassifyState, texts: Texts): HTMLElement {
  const name = texts.classify.example(label);
  const image = toImageData(pixels.data, pixels.width, pixels.height, pixels.channels);
  const canvas = el("canvas", {});
  drawPixels(canvas, image);
  const press = (): void => {
    state.inverted.set(false);
    state.shot.set({ pixels: image, name });
    state.source.set("picture");
  };
  const element = button("", press, { kind: "example", label: name });
  element.append(canvas);
  return element;
}
