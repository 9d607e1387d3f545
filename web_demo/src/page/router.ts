import { Signal } from "./signal.ts";

export type ViewName = "recommend" | "classify" | "engine";
export const VIEWS: readonly ViewName[] = ["recommend", "classify", "engine"];

/** Which view the address names; the first one unless it names any. */
export const route = new Signal<ViewName>(named() ?? "recommend");

addEventListener("hashchange", () => {
  const name = named();
  if (name && name !== route.value) route.set(name);
});

function named(): ViewName | undefined {
  return VIEWS.find((name) => location.hash === `#${name}`);
}
