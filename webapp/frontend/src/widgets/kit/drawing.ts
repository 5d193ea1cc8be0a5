import { el } from "../../lib/dom";

const SVG = "http://www.w3.org/2000/svg";
const SAY_AFTER_MS = 400;

export function svg(tag: string, attributes: Record<string, string | number> = {}, ...children: (Node | string)[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * A drawing as wide as its place, made anew when that changes. Screen readers are not told of it: what it shows stands
 * in the table and the sentence beside it. Looks come from classes, positions from attributes.
 */
export class Drawing {
  readonly box = el("div", { class: "widget-drawing" });
  private readonly root = svg("svg", { "aria-hidden": "true", focusable: "false" });
  private width = 0;

  /** `draw` returns what to show in `width` pixels, and how high that is. */
  constructor(private readonly draw: (width: number) => { height: number; nodes: Node[] }) {
    this.box.append(this.root);
    new ResizeObserver(() => {
      if (Math.abs(this.box.clientWidth - this.width) >= 1) this.update();
    }).observe(this.box);
  }

  update(): void {
    this.width = this.box.clientWidth;
    if (this.width === 0) return; // not on the page yet
    const { height, nodes } = this.draw(this.width);
    this.root.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
    this.root.setAttribute("width", String(this.width));
    this.root.setAttribute("height", String(height));
    this.root.replaceChildren(...nodes);
  }
}

/** What the drawing's shapes mean. Each swatch is drawn into 22 × 12 pixels. */
export function legend(items: readonly (readonly [name: string, swatch: readonly Node[]])[]): HTMLElement {
  const list = el("ul", { class: "widget-legend", "aria-hidden": "true" });
  for (const [name, swatch] of items) list.append(el("li", {}, svg("svg", { width: 22, height: 12, viewBox: "0 0 22 12" }, ...swatch), name));
  return list;
}

export function label(text: string, x: number, y: number, anchor: "start" | "middle" | "end" = "start", kind = "label"): SVGElement {
  return svg("text", { class: kind, x, y, "text-anchor": anchor }, text);
}

export function box(kind: string, x: number, y: number, width: number, height: number): SVGElement {
  return svg("rect", { class: kind, x, y, width: Math.max(0, width), height: Math.max(0, height) });
}

export function rule(kind: string, x1: number, y1: number, x2: number, y2: number): SVGElement {
  return svg("line", { class: kind, x1, y1, x2, y2 });
}

/** Upright stripes over a box, so that its colour is not alone. */
export function stripes(x: number, y: number, width: number, height: number, every = 6): SVGElement[] {
  const lines: SVGElement[] = [];
  for (let at = every - 2; at < width; at += every) lines.push(rule("stripe", x + at, y, x + at, y + height));
  return lines;
}

/** The result in one sentence: shown at once, and read out when the controls have come to rest. */
export class Sentence {
  readonly box = el("div", { class: "widget-says" });
  private readonly shown = el("p", { "aria-hidden": "true" });
  private readonly spoken = el("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  private timer = 0;

  constructor() {
    this.box.append(this.shown, this.spoken);
  }

  say(text: string): void {
    this.shown.textContent = text;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => (this.spoken.textContent = text), SAY_AFTER_MS);
  }
}

/** The drawing's numbers. `rows` begin with a heading; `current` is the row that the controls chose. */
export class Numbers {
  readonly box = el("div", { class: "scroll-x widget-table", tabindex: "0", role: "region" });
  private readonly body = el("tbody");

  constructor(label: string, columns: readonly string[]) {
    this.box.setAttribute("aria-label", label);
    const head = el("tr");
    columns.forEach((name, index) => head.append(el("th", { scope: "col", ...(index > 0 ? { class: "num" } : {}) }, name)));
    this.box.append(el("table", {}, el("caption", { class: "visually-hidden" }, label), el("thead", {}, head), this.body));
  }

  show(rows: readonly (readonly string[])[], current = -1): void {
    this.body.replaceChildren(
      ...rows.map((row, index) => {
        const line = el("tr", index === current ? { "aria-current": "true" } : {});
        row.forEach((text, column) => line.append(column === 0 ? el("th", { scope: "row" }, text) : el("td", { class: "num" }, text)));
        return line;
      }),
    );
  }
}
