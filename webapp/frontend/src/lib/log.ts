import { parseAnsi, PLAIN, type Style } from "./ansi";
import { el } from "./dom";
import { t } from "./i18n";
import type { LogStream } from "./stream";

// Rows in the page: as much of a log's head and tail as is kept of it, so a reload shows no more and no less.
const HEAD = 1000;
const TAIL = 4000;
const STREAM_NAMES: Record<LogStream, string> = { out: "", err: "stderr", judge: t("judge"), system: "Rank Zero" };

interface Line {
  n: number;
  stream: LogStream;
  text: string;
}

/** The number in an address like `#L120`; 0 in any other. */
export function lineOf(hash: string): number {
  return Number(/^#L(\d{1,9})$/.exec(hash)?.[1] ?? 0);
}

/** Numbered lines, drawn once a frame; follows the end until the reader scrolls up. */
export class LogView {
  private waiting: Line[] = [];
  private styles: Record<string, Style> = {};
  private last = 0;
  private frame = 0;
  private following = true;
  private target = 0; // the line that the page's address names

  constructor(
    private readonly box: HTMLElement,
    private readonly followButton: HTMLButtonElement,
  ) {
    box.addEventListener("scroll", () => this.setFollowing(this.isAtEnd()), { passive: true });
    followButton.addEventListener("click", () => {
      this.setFollowing(true);
      this.toEnd();
    });
    this.aim();
    window.addEventListener("hashchange", () => this.aim());
  }

  /** The page of the run, to which the number of each line is a link. */
  page = "";

  /** Show the line that the address names, now or as soon as it comes. */
  private aim(): void {
    this.target = lineOf(location.hash);
    if (this.target === 0) return;
    const details = this.box.closest("details");
    if (details) details.open = true;
    this.show();
  }

  private show(): void {
    const row = document.getElementById(`L${this.target}`);
    if (row === null || !this.box.contains(row)) return;
    for (const old of this.box.querySelectorAll(".log-line.target")) old.classList.remove("target");
    row.classList.add("target");
    this.setFollowing(false);
    this.box.scrollTop = row.offsetTop - this.box.offsetTop - this.box.clientHeight / 3;
    this.box.scrollIntoView({ block: "nearest" });
    this.target = 0;
  }

  clear(): void {
    cancelAnimationFrame(this.frame);
    this.frame = this.last = 0;
    this.waiting = [];
    this.styles = {};
    this.box.replaceChildren();
    this.setFollowing(true);
  }

  add(line: Line): void {
    this.waiting.push(line);
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.frame = 0;
    const lines = this.waiting.splice(0);
    const rows = document.createDocumentFragment();
    for (const line of lines) {
      if (line.n > this.last + 1) rows.append(gap(this.last + 1, line.n - 1));
      this.last = line.n;
      rows.append(this.row(line));
    }
    this.box.append(rows);
    this.trim();
    if (this.following) this.toEnd();
    if (this.target > 0) this.show();
  }

  private trim(): void {
    const extra = this.box.childElementCount - HEAD - TAIL;
    if (extra <= 0) return;
    const rows = [...this.box.children].slice(HEAD, HEAD + extra + 1) as HTMLElement[];
    const first = Number(rows[0]?.dataset["first"] ?? 0);
    const end = Number(rows.at(-1)?.dataset["last"] ?? 0);
    rows[0]?.before(gap(first, end));
    for (const row of rows) row.remove();
  }

  private row(line: Line): HTMLElement {
    const { pieces, end } = parseAnsi(line.text, this.styles[line.stream] ?? PLAIN);
    this.styles[line.stream] = end;
    const text = el("span", { class: "log-text" });
    for (const piece of pieces) {
      text.append(piece.classes === "" ? piece.text : el("span", { class: piece.classes }, piece.text));
    }
    const n = String(line.n);
    const row = el("div", { class: `log-line ${line.stream}`, id: `L${n}`, "data-first": n, "data-last": n });
    const label = t("Line {n}", { n });
    row.append(el("a", { class: "log-n", href: `${this.page}#L${n}`, tabindex: "-1", "data-n": n, "aria-label": label }));
    const name = STREAM_NAMES[line.stream];
    if (name !== "") row.append(el("span", { class: "log-stream" }, name));
    row.append(text);
    return row;
  }

  private isAtEnd(): boolean {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 24;
  }

  private toEnd(): void {
    this.box.scrollTop = this.box.scrollHeight;
  }

  private setFollowing(on: boolean): void {
    this.following = on;
    this.followButton.hidden = on;
  }
}

/** What is not in the page: not sent, or no longer shown. */
function gap(first: number, last: number): HTMLElement {
  const values = { first, last };
  const text = first === last ? t("… line {first} is left out …", values) : t("… lines {first} to {last} are left out …", values);
  return el("div", { class: "log-line log-gap", "data-first": String(first), "data-last": String(last) }, el("span", { class: "log-n" }), text);
}
