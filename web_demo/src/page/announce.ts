import { byId, button, el, fill } from "./dom.ts";

/** Announces a text to screen readers without showing it. */
export function announce(text: string): void {
  const region = byId("announcer");
  // Setting the same text again is not a change and would not be announced.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}

let timer: ReturnType<typeof setTimeout> | undefined;

/**
 * Shows a short message at the bottom, which screen readers announce as well; it disappears after a while
 * unless it has an action.
 */
export function toast(text: string, action?: { label: string; press: () => void }): void {
  clearTimeout(timer);
  const region = byId("toast");
  fill(region, el("p", {}, text), action ? button(action.label, action.press, { kind: "primary" }) : null);
  region.classList.add("shown");
  if (!action) timer = setTimeout(hideToast, 7000);
}

export function hideToast(): void {
  byId("toast").classList.remove("shown");
  fill(byId("toast"));
}
