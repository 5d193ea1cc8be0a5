import { all, el, find, need, setBusy } from "./dom";
import type { Editor } from "./editor";
import { postForm, RequestError, type RunCreated } from "./http";
import { t } from "./i18n";
import { Kept } from "./kept";
import { whenNear } from "./near";
import { outputNode, printedNode } from "./output";
import { statusText } from "./run";
import { type Message, RunStream } from "./stream";

const MAX_LINES = 1000;
const KEEP_AFTER_MS = 400;

/** What a learner made of a cell, and what the lesson said when it was edited. */
interface Edited {
  text: string;
  starter: string;
}

/** Every runnable cell of the page. A cell becomes an editor when it comes near, so that nothing on the screen moves. */
export function watchCells(root: ParentNode, storageKey: string): void {
  const cells = new Map<string, Cell>();
  for (const form of all<HTMLFormElement>("[data-cell]", root)) {
    const cell = new Cell(form, cells, storageKey);
    cells.set(cell.index, cell);
    whenNear([form], () => void import("./editor").then(({ mountEditor }) => cell.mount(mountEditor)), 400);
  }
}

class Cell {
  readonly index: string;
  private readonly area: HTMLTextAreaElement; // always holds the code, with an editor before it or not
  private editor: Editor | null = null;
  private readonly starter: string;
  private readonly kept: Kept<Edited>;
  private readonly output: HTMLElement;
  private readonly status: HTMLElement;
  private readonly button: HTMLButtonElement | null;
  private readonly stopButton: HTMLButtonElement | null;
  private readonly bar: HTMLElement;
  private stream: RunStream | null = null;
  private cancelUrl = "";
  private ended: (verdict: string) => void = () => undefined;
  private lines = 0;
  private keepTimer = 0;

  constructor(
    private readonly form: HTMLFormElement,
    private readonly cells: Map<string, Cell>,
    storageKey: string,
  ) {
    this.index = form.dataset["cell"] ?? "";
    this.area = need("textarea", form);
    this.starter = this.area.value.trimEnd();
    this.kept = new Kept(`${storageKey}:cell:${this.index}`);
    this.output = need("[data-cell-output]", form);
    this.status = need("[data-cell-status]", form);
    this.bar = need("[data-cell-progress]", form);
    this.button = find("[data-cell-run]", form);
    this.stopButton = find("[data-cell-stop]", form);
    this.area.value = this.restored();
    this.listen();
    this.markChanged();
  }

  mount(mountEditor: typeof import("./editor").mountEditor): void {
    if (this.editor !== null) return;
    const hadFocus = document.activeElement === this.area;
    const run = (): void => void this.run();
    this.editor = mountEditor(this.area, {
      label: t("Code of cell {number}", { number: Number(this.index) + 1 }),
      language: "python",
      readonly: false,
      keys: [
        { key: "Mod-Enter", run },
        { key: "Shift-Enter", run },
      ],
      changed: () => this.changed(),
    });
    if (hadFocus) this.editor.focus();
  }

  private listen(): void {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.run();
    });
    this.area.addEventListener("input", () => this.changed());
    this.area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.shiftKey || event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      void this.run();
    });
    find("[data-cell-reset]", this.form)?.addEventListener("click", () => this.setText(this.starter));
    this.stopButton?.addEventListener("click", () => void this.cancel());
    const above = find<HTMLButtonElement>("[data-cell-above]", this.form);
    if (above === null) return;
    above.hidden = false;
    above.addEventListener("click", () => void this.runAbove());
  }

  /** The learner's own text of an earlier visit; where the lesson's has changed since, they are told. */
  private restored(): string {
    const kept = this.kept.load();
    if (typeof kept?.text !== "string" || kept.text === this.starter) return this.starter;
    if (kept.starter !== this.starter) this.say(t("This is your text; the lesson's has changed since. Reset shows it."));
    return kept.text;
  }

  private setText(text: string): void {
    if (this.editor) this.editor.setText(text);
    else this.area.value = text;
    this.changed();
    if (this.editor) this.editor.focus();
    else this.area.focus();
  }

  private changed(): void {
    this.markChanged();
    clearTimeout(this.keepTimer);
    this.keepTimer = window.setTimeout(() => this.keep(), KEEP_AFTER_MS);
  }

  private keep(): void {
    const text = this.area.value;
    this.kept.save(text === this.starter ? null : { text, starter: this.starter });
  }

  private markChanged(): void {
    const reset = find<HTMLButtonElement>("[data-cell-reset]", this.form);
    if (reset) reset.hidden = this.area.value === this.starter;
  }

  /** The verdict, when it ends; "" when it could not be sent. */
  async run(): Promise<string> {
    if (this.button === null || this.button.disabled) return "";
    setBusy(this.button, true);
    this.stream?.close();
    this.output.replaceChildren();
    this.lines = 0;
    this.keep();
    this.say(t("Sent."));
    this.bar.hidden = false;
    try {
      const run = await postForm<RunCreated>(this.form.action, this.body());
      return await this.follow(run);
    } catch (error) {
      this.stop(error instanceof RequestError ? error.message : t("The cell could not be sent. Try again."));
      return "";
    }
  }

  /** The earlier cells of the session one after the other, each with its output, then this one; an error ends it. */
  private async runAbove(): Promise<void> {
    for (const cell of [...this.earlier(), this]) {
      if ((await cell.run()) !== "passed") {
        if (cell !== this) this.say(t("Cell {number} did not run to its end.", { number: Number(cell.index) + 1 }));
        return;
      }
    }
  }

  private earlier(): Cell[] {
    const indexes = (this.form.dataset["earlier"] ?? "").split(" ").filter(Boolean);
    return indexes.flatMap((index) => this.cells.get(index) ?? []);
  }

  /** Its own code, and what the learner made of the earlier cells of the same session. */
  private body(): FormData {
    const body = new FormData(this.form);
    for (const cell of this.earlier()) body.set(`cell:${cell.index}`, cell.area.value);
    return body;
  }

  private follow(run: RunCreated): Promise<string> {
    this.cancelUrl = `${run.url}cancel/`;
    if (this.stopButton) this.stopButton.hidden = false;
    return new Promise((resolve) => {
      this.ended = resolve;
      this.stream = new RunStream(run.ws_url, {
        message: (message) => this.receive(message),
        connection: (state) => {
          if (state === "waiting") this.say(t("The connection was lost; reconnecting. The cell goes on."));
          if (state === "refused") this.stop(t("This run is not available to you. Reload the page."));
        },
      });
    });
  }

  private async cancel(): Promise<void> {
    if (this.stopButton === null || this.stopButton.disabled) return;
    setBusy(this.stopButton, true);
    this.say(t("Stopping."));
    try {
      await postForm(this.cancelUrl, new FormData(this.form));
    } catch (error) {
      this.say(error instanceof RequestError ? error.message : t("The cell could not be stopped. Try again."));
    } finally {
      setBusy(this.stopButton, false);
    }
  }

  private receive(message: Message): void {
    if (message.type === "line" && message.stream === "system") this.say(message.text);
    else if (message.type === "line") this.print(printedNode(message.text, message.stream));
    else if (message.type === "output") this.print(outputNode(message));
    else if (message.type === "progress") this.say(message.text);
    else if (message.type === "status") this.say(statusText(message));
    else this.stop(message.verdict === "passed" ? t("Done.") : endText(message.verdict), message.verdict);
  }

  private print(node: HTMLElement): void {
    this.lines += 1;
    if (this.lines <= MAX_LINES) this.output.append(node);
    else if (this.lines === MAX_LINES + 1) {
      this.output.append(el("p", { class: "small muted" }, t("More was printed; the page shows the first 1,000 lines.")));
    }
  }

  private say(text: string): void {
    this.status.textContent = text;
  }

  private stop(text: string, verdict = ""): void {
    this.bar.hidden = true;
    this.say(text);
    if (this.button) setBusy(this.button, false);
    if (this.stopButton) {
      if (document.activeElement === this.stopButton) this.button?.focus();
      this.stopButton.hidden = true;
    }
    this.ended(verdict);
  }
}

export function endText(verdict: string): string {
  const texts: Record<string, string> = {
    failed: t("Stopped by an error; the message is above."),
    crashed: t("Stopped by an error; the message is above."),
    timed_out: t("Stopped: it took longer than a cell may."),
    out_of_memory: t("Stopped: it used more memory than a cell may."),
    cancelled: t("Stopped."),
    infra_error: t("Our machines failed, not your code. Run it again."),
  };
  return texts[verdict] ?? t("Stopped.");
}
