import { all, nonce, showFragment } from "./dom";

/*
 * The site's policy refuses style attributes and <style> elements without its nonce, also where markup is only parsed.
 * A library that draws by them (Mermaid) works inside `drawing`: there, what it writes as style attributes is set
 * through the CSSOM, which the policy allows, and its <style> elements carry the nonce.
 */
const STYLE = "data-kept-style";
const SHEET = "data-kept-sheet";
const SHEETS = /<style[^>]*>([\s\S]*?)<\/style\s*>/gi;
const TAGS = /<[a-z][^<>]*\sstyle\s*=[^<>]*>/gi;

/** Style sheets and style attributes of the markup, put where no policy looks at them. */
export function setAside(html: string): string {
  return html
    .replace(SHEETS, (_all, css: string) => `<g ${SHEET}="${encodeURIComponent(css)}"></g>`)
    .replace(TAGS, (tag) => tag.replace(/\sstyle(\s*=)/gi, ` ${STYLE}$1`));
}

/** What was put aside becomes the elements' style again, in ways that the policy allows. */
function takeUp(root: ParentNode): void {
  for (const element of all<HTMLElement | SVGElement>(`[${STYLE}]`, root)) {
    element.style.cssText = element.getAttribute(STYLE) ?? "";
    element.removeAttribute(STYLE);
  }
  for (const place of all(`[${SHEET}]`, root)) {
    const sheet = document.createElement("style");
    sheet.nonce = nonce();
    sheet.textContent = decodeURIComponent(place.getAttribute(SHEET) ?? "");
    place.replaceWith(sheet);
  }
}

/** Put markup that a library drew into `slot`. */
export function showDrawn(slot: Element, html: string): void {
  showFragment(slot, setAside(html));
  takeUp(slot);
}

type Undo = () => void;

function replaceMethod<T extends object, K extends keyof T>(owner: T, name: K, make: (plain: T[K]) => T[K]): Undo {
  const plain = owner[name];
  owner[name] = make(plain);
  return () => void (owner[name] = plain);
}

function styleThroughCssom(): Undo {
  return replaceMethod(Element.prototype, "setAttribute", (plain) =>
    function (this: Element, name: string, value: string): void {
      const styled = this as Element & Partial<ElementCSSInlineStyle>;
      if (name === "style" && styled.style) styled.style.cssText = value;
      else plain.call(this, name, value);
    });
}

function stylesWithNonce(): Undo {
  return replaceMethod(document, "createElement", (plain) =>
    function (this: Document, ...args: Parameters<Document["createElement"]>): HTMLElement {
      const made = plain.apply(this, args);
      if (made instanceof HTMLStyleElement) made.nonce = nonce();
      return made;
    } as Document["createElement"]);
}

function parseSetAside(): Undo {
  return replaceMethod(DOMParser.prototype, "parseFromString", (plain) =>
    function (this: DOMParser, html: string, type: DOMParserSupportedType): Document {
      return plain.call(this, setAside(String(html)), type);
    });
}

function innerHtmlThroughCssom(): Undo {
  const plain = Object.getOwnPropertyDescriptor(Element.prototype, "innerHTML");
  const set = plain?.set;
  if (plain === undefined || set === undefined) throw new Error("Element.innerHTML cannot be set here");
  Object.defineProperty(Element.prototype, "innerHTML", {
    ...plain,
    set(this: Element, html: string): void {
      if (this instanceof HTMLStyleElement) return set.call(this, html);
      set.call(this, setAside(String(html)));
      takeUp(this);
    },
  });
  return () => void Object.defineProperty(Element.prototype, "innerHTML", plain);
}

let inside = 0;
let undo: Undo[] = [];

function enter(): void {
  if (inside++ === 0) undo = [styleThroughCssom(), stylesWithNonce(), parseSetAside(), innerHtmlThroughCssom()];
}

function leave(): void {
  if (--inside > 0) return; // another drawing goes on
  for (const back of undo.reverse()) back();
}

/** Run `work`, which writes style attributes, within the site's policy. */
export async function drawing<T>(work: () => Promise<T>): Promise<T> {
  enter();
  try {
    return await work();
  } finally {
    leave();
  }
}

/** As `drawing`, for work that is done when it returns. */
export function drawingNow<T>(work: () => T): T {
  enter();
  try {
    return work();
  } finally {
    leave();
  }
}
