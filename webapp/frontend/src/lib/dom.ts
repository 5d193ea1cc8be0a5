/** Small, typed helpers. `el` sets text as text: nothing here ever parses HTML. */

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function find<T extends Element>(selector: string, root: ParentNode = document): T | null {
  return root.querySelector<T>(selector);
}

/** Throws when the template and the script disagree. */
export function need<T extends Element>(selector: string, root: ParentNode = document): T {
  const found = root.querySelector<T>(selector);
  if (found === null) throw new Error(`The page has no ${selector}`);
  return found;
}

export function all<T extends Element>(selector: string, root: ParentNode = document): T[] {
  return [...root.querySelectorAll<T>(selector)];
}

/** Replace what is in `slot` by a fragment that our own server rendered and escaped. */
export function showFragment(slot: Element, html: string): void {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  slot.replaceChildren(...parsed.body.childNodes);
}

/** A button that says that it works, and cannot be pressed twice. */
export function setBusy(button: HTMLButtonElement, busy: boolean): void {
  if (busy) button.setAttribute("aria-busy", "true");
  else button.removeAttribute("aria-busy");
  button.disabled = busy;
}

/** Bring `element` into view: inside the scrolling column that holds it where there is one, leaving what stands above it in sight. */
export function reveal(element: HTMLElement, leave = 120): void {
  const column = element.closest<HTMLElement>("[data-column]");
  if (column === null || column.scrollHeight <= column.clientHeight) {
    element.scrollIntoView({ block: "nearest" });
    return;
  }
  const distance = element.getBoundingClientRect().top - column.getBoundingClientRect().top;
  column.scrollTop += distance - leave;
}

export function nonce(): string {
  return find<HTMLScriptElement>("script[nonce]")?.nonce ?? "";
}
