import { Signal } from "./signal.ts";

export type ViewName = "recommend" | "classify" | "engine";
export const VIEWS: readonly ViewName[] = ["recommend", "classify", "engine"];

/** The view given by the URL hash; the first view by default. */
export const route = new Signal<ViewName>(viewInHash() ?? "recommend");

addEventListener("hashchange", () => {
  const name = viewInHash();
  if (name && name !== route.value) route.set(name);
});

function viewInHash(): ViewName | undefined {
  return VIEWS.find((name) => location.hash === `#${name}`);
}
