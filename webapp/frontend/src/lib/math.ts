import "katex/dist/katex.min.css";

import katex from "katex";

import { drawingNow } from "./cssom";
import { all } from "./dom";

const LIMITS = { throwOnError: false, errorColor: "var(--fail)", trust: false, maxExpand: 500 } as const;

/** Draw every formula of the page. A formula that KaTeX cannot read stays readable as its source. */
export function drawMath(): void {
  for (const node of all<HTMLElement>(".math:not([data-drawn])")) {
    const source = node.textContent;
    node.dataset["drawn"] = "";
    const inLabel = node.closest("label") !== null;
    if (inLabel) nameOf(node, source);
    const output = inLabel ? "html" : "htmlAndMathml";
    const displayMode = node.classList.contains("block");
    drawingNow(() => katex.render(source, node, { ...LIMITS, displayMode, output }));
    scrollIfWide(node);
  }
}

/** A formula wider than its column scrolls by itself, also by keyboard; the page never does. */
function scrollIfWide(node: HTMLElement): void {
  const room = node.parentElement?.clientWidth ?? Infinity;
  const isWide = node.classList.contains("block")
    ? node.scrollWidth > node.clientWidth
    : node.getBoundingClientRect().width > room;
  node.classList.toggle("wide", isWide);
  if (isWide) node.tabIndex = 0;
}

/** A form's label needs a name in words; MathML gives none, so the source is read out. */
function nameOf(node: HTMLElement, source: string): void {
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", source);
}
