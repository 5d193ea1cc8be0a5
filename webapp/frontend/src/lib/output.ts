import { parseAnsi } from "./ansi";
import { el } from "./dom";
import type { LogStream, Message, TableData } from "./stream";

const SHOWN_ROWS = 50;

/** What a cell printed and drew, in order. Text and numbers only become text; a PNG only becomes an image. */
export function outputNode(message: Extract<Message, { type: "output" }>): HTMLElement {
  if (message.kind === "png") return picture(message.data);
  if (message.kind === "table") return table(message.data);
  return el("pre", { class: "cell-text" }, message.data);
}

export function printedNode(text: string, stream: LogStream): HTMLElement {
  const line = el("div", { class: `cell-line ${stream}` });
  for (const piece of parseAnsi(text).pieces) {
    line.append(piece.classes === "" ? piece.text : el("span", { class: piece.classes }, piece.text));
  }
  if (line.childNodes.length === 0) line.append("\u00a0");
  return line;
}

function picture(base64: string): HTMLElement {
  const image = el("img", { alt: "Plot drawn by this cell" });
  image.src = `data:image/png;base64,${base64}`;
  return el("figure", { class: "cell-picture" }, image);
}

function table(data: TableData): HTMLElement {
  const head = el("tr");
  for (const name of data.columns) head.append(el("th", { scope: "col" }, name));
  const body = el("tbody");
  for (const row of data.rows.slice(0, SHOWN_ROWS)) {
    const line = el("tr");
    for (const value of row) line.append(el("td", typeof value === "number" ? { class: "num" } : {}, cellText(value)));
    body.append(line);
  }
  const box = el("div", { class: "scroll-x cell-table", tabindex: "0", role: "region", "aria-label": "Table" });
  box.append(el("table", {}, el("thead", {}, head), body));
  const shown = Math.min(data.rows.length, SHOWN_ROWS);
  if (data.total > shown) box.append(el("p", { class: "small muted" }, `The first ${shown} of ${data.total} rows.`));
  return box;
}

export function cellText(value: string | number | boolean | null): string {
  if (value === null) return "–";
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4 ? value.toExponential(3) : String(Number(value.toPrecision(6)));
}
