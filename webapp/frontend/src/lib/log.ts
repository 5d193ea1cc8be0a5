import { parseAnsi, PLAIN, type Style } from "./ansi";
import { el } from "./dom";
import type { LogStream } from "./stream";

const KEEP = 4000; // lines in the page; the whole log is a download
const STREAM_NAMES: Record<LogStream, string> = { out: "", err: "stderr", judge: "judge", system: "Rank Zero" };

interface Line {
  n: number;
  stream: LogStream;
  text: string;
}

/** Numbered lines, drawn once a frame; follows the end until the reader scrolls up. */
export class LogView {
  private waiting: Line[] = [];
  private styles: Record<string, Style> = {};
  private last = 0;
  private frame = 0;
  private following = true;

  constructor(
    private readonly box: HTMLElement,
    private readonly followButton: HTMLButtonElement,
  ) {
    box.addEventListener("scroll", () => this.setFollowing(this.isAtEnd()), { passive: true });
    followButton.addEventListener("click", () => {
      this.setFollowing(true);
      this.toEnd();
    });
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
      if (line.n > this.last + 1) rows.append(gap(line.n - this.last - 1));
      this.last = line.n;
      rows.append(this.row(line));
    }
    this.box.append(rows);
    for (let extra = this.box.childElementCount - KEEP; extra > 0; extra--) this.box.firstElementChild?.remove();
    if (this.following) this.toEnd();
  }

  private row(line: Line): HTMLElement {
    const { pieces, end } = parseAnsi(line.text, this.styles[line.stream] ?? PLAIN);
    this.styles[line.stream] = end;
    const text = el("span", { class: "log-text" });
    for (const piece of pieces) {
      text.append(piece.classes === "" ? piece.text : el("span", { class: piece.classes }, piece.text));
    }
    const row = el("div", { class: `log-line ${line.stream}`, "data-n": String(line.n) });
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

function gap(count: number): HTMLElement {
  const text = count === 1 ? "… 1 entry was not kept …" : `… ${count} entries were not kept …`;
  return el("div", { class: "log-line log-gap", "data-n": "" }, text);
}
