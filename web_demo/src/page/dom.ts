/** Creates DOM elements. Text is added as text nodes only, so content of a bundle is never parsed as HTML. */

export type Child = Node | string | null;
// The parameter type is unspecified because event types differ between handlers.
type Handler = (event: never) => void;
type Attribute = string | number | boolean | undefined | Handler;

/**
 * Creates an element. `true` sets an attribute without a value, `false` and undefined omit it, and a function
 * under a name such as `onclick` is added as an event listener.
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

/** Replaces the children of `element`. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren(...children.filter((child): child is Node | string => child !== null));
}

/** Creates a button; `kind` is its style: "primary", "quiet" or the default. */
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

/** The element of index.html with this id. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html: expected an element with the id "${id}", found none`);
  return found;
}
