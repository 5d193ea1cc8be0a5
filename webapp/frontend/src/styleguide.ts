import "./styles/styleguide.css";

import { contrast, parseColour } from "./lib/contrast";
import { all, el, find, need } from "./lib/dom";
import { GRAPHICS, TEXT } from "./lib/tokens";

/** One ink on one ground, and the contrast of the two as this browser computes them. */
function swatch(ink: string, ground: string, isText: boolean): HTMLElement {
  const sample = isText ? el("strong", {}, "Aa 123") : el("span", { class: "shape" });
  const ratio = el("span", { class: "num" });
  const box = el("li", { class: "swatch" }, sample, el("span", { class: "swatch-note" }, `${ink} / ${ground}`, ratio));
  box.style.background = `var(--${ground})`;
  sample.style[isText ? "color" : "background"] = `var(--${ink})`;
  queueMicrotask(() => {
    const front = parseColour(getComputedStyle(sample)[isText ? "color" : "backgroundColor"]);
    const back = parseColour(getComputedStyle(box).backgroundColor);
    ratio.textContent = front && back ? contrast(front, back).toFixed(1) : "?";
  });
  return box;
}

function draw(): void {
  for (const [name, pairs] of [["text", TEXT], ["graphics", GRAPHICS]] as const) {
    const list = need(`[data-swatches="${name}"]`);
    list.replaceChildren(...pairs.map(([ink, ground]) => swatch(ink, ground, name === "text")));
  }
}

draw();
document.addEventListener("rz:theme", draw);
const dialog = find<HTMLDialogElement>("[data-dialog]");
for (const opener of all("[data-open-dialog]")) opener.addEventListener("click", () => dialog?.showModal());
