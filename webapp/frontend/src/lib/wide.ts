import { all, el, find } from "./dom";
import { t } from "./i18n";
import { Kept } from "./kept";

let framed = 0;

/** A wide table scrolls in a frame of its own, which the keyboard can reach, and stays a table for screen readers. */
export function frameTables(root: ParentNode): void {
  for (const table of all<HTMLTableElement>(".prose > table, .prose > * > table, .widget-words > table", root)) {
    const frame = el("div", { class: "scroll-x table-frame" });
    table.replaceWith(frame);
    frame.append(table);
    const name = t("Wide table {number}", { number: ++framed });
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

/** Code and cells may take the room beside the text; the choice is kept for every lesson. */
export function wideCode(lesson: HTMLElement): void {
  const button = find<HTMLButtonElement>("[data-wide-code]", lesson);
  if (button === null) return;
  const kept = new Kept<{ wide: boolean }>("rz:wide-code");
  const show = (wide: boolean): void => {
    lesson.classList.toggle("wide-code", wide);
    button.setAttribute("aria-pressed", String(wide));
  };
  show(kept.load()?.wide === true);
  button.hidden = false;
  button.addEventListener("click", () => {
    const wide = button.getAttribute("aria-pressed") !== "true";
    show(wide);
    kept.save({ wide });
  });
}

/** `ready` draws what a reader who never came near has not seen. */
export function printButton(root: ParentNode, ready: () => Promise<void>): void {
  const button = find<HTMLButtonElement>("[data-print]", root);
  if (button === null) return;
  button.hidden = false;
  button.addEventListener("click", () => void ready().finally(() => print()));
}
