import "katex/dist/katex.min.css";

import katex from "katex";

import { all } from "./dom";

/** Draw every formula of the page. A formula that KaTeX cannot read stays readable as its source. */
export function drawMath(): void {
  for (const node of all<HTMLElement>(".math:not([data-drawn])")) {
    const source = node.textContent;
    node.dataset["drawn"] = "";
    katex.render(source, node, {
      displayMode: node.classList.contains("block"),
      throwOnError: false,
      errorColor: "var(--fail)",
      trust: false,
      maxExpand: 500,
      output: "htmlAndMathml",
    });
  }
}
