import { parseAnsi } from "./ansi";
import { el } from "./dom";
import { plural, t } from "./i18n";
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
  const image = el("img", { alt: t("Plot drawn by this cell") });
  image.src = `data:image/png;base64,${base64}`;
  return el("figure", { class: "cell-picture" }, image);
}

function table(data: TableData): HTMLElement {
  const isNumber = data.columns.map((_, column) => isNumeric(data.rows.map((row) => row[column] ?? null)));
  const type = (column: number): Record<string, string> => (isNumber[column] ? { class: "num" } : {});
  const head = el("tr");
  data.columns.forEach((name, column) => head.append(el("th", { scope: "col", ...type(column) }, name)));
  const body = el("tbody");
  for (const row of data.rows.slice(0, SHOWN_ROWS)) {
    const line = el("tr");
    row.forEach((value, column) => line.append(el("td", type(column), cellText(value))));
    body.append(line);
  }
  const shown = Math.min(data.rows.length, SHOWN_ROWS);
  const size =
    data.total > shown
      ? t("The first {shown} of {total} rows", { shown, total: data.total })
      : plural("{n} row", "{n} rows", data.total);
  const box = el("div", { class: "scroll-x cell-table", tabindex: "0", role: "region", "aria-label": t("Table") });
  box.append(el("table", {}, el("caption", {}, size), el("thead", {}, head), body));
  return box;
}

/** A column of numbers, of which some may be missing. */
export function isNumeric(values: (string | number | boolean | null)[]): boolean {
  return values.some((value) => typeof value === "number") && values.every((value) => value === null || typeof value === "number");
}

export function cellText(value: string | number | boolean | null): string {
  if (value === null) return "–";
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4 ? value.toExponential(3) : String(Number(value.toPrecision(6)));
}
