import { byId, button, el, fill } from "./dom.ts";

/** Says something to screen readers, without showing it. */
export function announce(text: string): void {
  const place = byId("announcer");
  // The same words twice are no change, and would not be read again.
  place.textContent = place.textContent === text ? `${text}\u00a0` : text;
}

let timer: ReturnType<typeof setTimeout> | undefined;

/**
 * Shows a short message at the bottom, which screen readers read, too; it goes away unless it has an
 * action.
 */
export function toast(text: string, action?: { label: string; press: () => void }): void {
  clearTimeout(timer);
  const place = byId("toast");
  fill(place, el("p", {}, text), action ? button(action.label, action.press, { kind: "primary" }) : null);
  place.classList.add("shown");
  if (!action) timer = setTimeout(hideToast, 7000);
}

export function hideToast(): void {
  byId("toast").classList.remove("shown");
  fill(byId("toast"));
}
