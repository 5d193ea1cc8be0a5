import { all, el } from "./dom";

let framed = 0;

/** A wide table scrolls in a frame of its own, which the keyboard can reach, and stays a table for screen readers. */
export function frameTables(root: ParentNode): void {
  for (const table of all<HTMLTableElement>(".prose > table, .prose > * > table", root)) {
    const frame = el("div", { class: "scroll-x table-frame" });
    table.replaceWith(frame);
    frame.append(table);
    const name = `Wide table ${++framed}`;
    new ResizeObserver(() => reach(frame, name)).observe(frame);
  }
}

function reach(frame: HTMLElement, label: string): void {
  if (frame.scrollWidth <= frame.clientWidth) {
    for (const name of ["tabindex", "role", "aria-label"]) frame.removeAttribute(name);
    return;
  }
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", label);
}
