/** Elements from code: text goes in as text nodes only, so nothing from a bundle is ever read as HTML. */

export type Child = Node | string | null;
// The handler's parameter is left open: each element type has events of its own.
type Handler = (event: never) => void;
type Attribute = string | number | boolean | undefined | Handler;

/**
 * Makes one element. `true` sets an attribute without a value, `false` and undefined leave it out, and a
 * function under `onclick` and its like becomes a listener.
 */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, Attribute>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  fill(element, ...children);
  return element;
}

function setAttribute(element: Element, name: string, value: Attribute): void {
  if (value === undefined || value === false) return;
  if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** Replaces what is in `element`. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren(...children.filter((child): child is Node | string => child !== null));
}

/** An ordinary button; `kind` is its look: "primary", "quiet" or plain. */
export function button(
  label: string,
  press: () => void,
  options: { kind?: string; id?: string; label?: string; disabled?: boolean } = {},
): HTMLButtonElement {
  return el(
    "button",
    {
      type: "button",
      class: `button ${options.kind ?? ""}`.trim(),
      id: options.id,
      "aria-label": options.label,
      disabled: options.disabled,
      onclick: press,
    },
    label,
  );
}

/** The element with this id, which index.html holds. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html: expected an element with the id "${id}", found none`);
  return found;
}
