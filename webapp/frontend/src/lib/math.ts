import "katex/dist/katex.min.css";

import katex from "katex";

import { drawingNow } from "./cssom";
import { all } from "./dom";

const LIMITS = { throwOnError: false, errorColor: "var(--fail)", trust: false, maxExpand: 500 } as const;

/** Draw every formula of the page. A formula that KaTeX cannot read stays readable as its source. */
export function drawMath(): void {
  const fresh = all<HTMLElement>(".math:not([data-drawn])");
  for (const node of fresh) {
    const source = node.textContent;
    node.dataset["drawn"] = "";
    const inLabel = node.closest("label") !== null;
    if (inLabel) nameOf(node, source);
    const output = inLabel ? "html" : "htmlAndMathml";
    const displayMode = node.classList.contains("block");
    drawingNow(() => katex.render(source, node, { ...LIMITS, displayMode, output }));
  }
  scrollWide(fresh);
}

/** A formula wider than its column scrolls by itself, also by keyboard; the page never does. */
function scrollWide(nodes: HTMLElement[]): void {
  for (const node of nodes) {
    node.classList.remove("wide");
    node.removeAttribute("tabindex");
  }
  const wide = nodes.filter(isWide); // all are measured before any is changed: the page is laid out once
  for (const node of wide) {
    node.classList.add("wide");
    node.tabIndex = 0;
  }
}

function isWide(node: HTMLElement): boolean {
  if (node.classList.contains("block")) return node.scrollWidth > node.clientWidth;
  return node.getBoundingClientRect().width > (node.parentElement?.clientWidth ?? Infinity);
}

/** A phone is turned, a window made narrow. */
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  scrollWide(all<HTMLElement>(".math[data-drawn]"));
});

/** A form's label needs a name in words; MathML gives none, so the source is read out. */
function nameOf(node: HTMLElement, source: string): void {
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", source);
}
