import { all, el, find, need, setBusy } from "./dom";
import type { Editor } from "./editor";
import { postForm, RequestError, type RunCreated } from "./http";
import { outputNode, printedNode } from "./output";
import { statusText } from "./run";
import { type Message, RunStream } from "./stream";

const MAX_LINES = 1000;

/** Every runnable cell of the page. A cell becomes an editor when it comes near, so that nothing off the page moves. */
export async function watchCells(root: ParentNode): Promise<void> {
  const { mountEditor } = await import("./editor");
  const cells = new Map<string, Cell>();
  const near = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        cells.get((target as HTMLElement).dataset["cell"] ?? "")?.mount(mountEditor);
      }
    },
    { rootMargin: "400px 0px" },
  );
  for (const form of all<HTMLFormElement>("[data-cell]", root)) {
    const cell = new Cell(form, cells);
    cells.set(cell.index, cell);
    near.observe(form);
  }
}

class Cell {
  readonly index: string;
  private readonly area: HTMLTextAreaElement; // always holds the code, with an editor before it or not
  private editor: Editor | null = null;
  private readonly starter: string;
  private readonly output: HTMLElement;
  private readonly status: HTMLElement;
  private readonly button: HTMLButtonElement | null;
  private readonly bar: HTMLElement;
  private stream: RunStream | null = null;
  private lines = 0;

  constructor(
    private readonly form: HTMLFormElement,
    private readonly cells: Map<string, Cell>,
  ) {
    this.index = form.dataset["cell"] ?? "";
    this.area = need("textarea", form);
    this.area.value = this.area.value.trimEnd();
    this.starter = this.area.value;
    this.output = need("[data-cell-output]", form);
    this.status = need("[data-cell-status]", form);
    this.bar = need("[data-cell-progress]", form);
    this.button = find<HTMLButtonElement>("[data-cell-run]", form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.run();
    });
    find("[data-cell-reset]", form)?.addEventListener("click", () => this.editor?.setText(this.starter));
  }

  mount(mountEditor: typeof import("./editor").mountEditor): void {
    const run = (): void => void this.run();
    this.editor = mountEditor(this.area, {
      label: `Code of cell ${Number(this.index) + 1}`,
      language: "python",
      readonly: false,
      keys: [
        { key: "Mod-Enter", run },
        { key: "Shift-Enter", run },
      ],
      changed: () => this.markChanged(),
    });
    this.markChanged();
  }

  private markChanged(): void {
    const reset = find<HTMLButtonElement>("[data-cell-reset]", this.form);
    if (reset) reset.hidden = this.area.value === this.starter;
  }

  private async run(): Promise<void> {
    if (this.button === null || this.button.disabled) return;
    setBusy(this.button, true);
    this.stream?.close();
    this.output.replaceChildren();
    this.lines = 0;
    this.say("Sent.");
    this.bar.hidden = false;
    try {
      const run = await postForm<RunCreated>(this.form.action, this.body());
      this.follow(run);
    } catch (error) {
      this.stop(error instanceof RequestError ? error.message : "The cell could not be sent. Try again.");
    }
  }

  /** Its own code, and what the learner made of the earlier cells of the same session. */
  private body(): FormData {
    const body = new FormData(this.form);
    for (const index of (this.form.dataset["earlier"] ?? "").split(" ").filter(Boolean)) {
      const cell = this.cells.get(index);
      if (cell) body.set(`cell:${index}`, cell.area.value);
    }
    return body;
  }

  private follow(run: RunCreated): void {
    this.stream = new RunStream(run.ws_url, {
      message: (message) => this.receive(message),
      connection: (state) => {
        if (state === "waiting") this.say("The connection was lost; reconnecting. The cell goes on.");
        if (state === "refused") this.stop("This run is not available to you. Reload the page.");
      },
    });
  }

  private receive(message: Message): void {
    if (message.type === "line" && message.stream === "system") this.say(message.text);
    else if (message.type === "line") this.print(printedNode(message.text, message.stream));
    else if (message.type === "output") this.print(outputNode(message));
    else if (message.type === "progress") this.say(message.text);
    else if (message.type === "status") this.say(statusText(message));
    else this.stop(message.verdict === "passed" ? "Done." : endText(message.verdict));
  }

  private print(node: HTMLElement): void {
    this.lines += 1;
    if (this.lines <= MAX_LINES) this.output.append(node);
    else if (this.lines === MAX_LINES + 1) this.output.append(el("p", { class: "small muted" }, "More was printed; the page shows the first 1,000 lines."));
  }

  private say(text: string): void {
    this.status.textContent = text;
  }

  private stop(text: string): void {
    this.bar.hidden = true;
    this.say(text);
    if (this.button) setBusy(this.button, false);
  }
}

export function endText(verdict: string): string {
  const texts: Record<string, string> = {
    failed: "Stopped by an error; the message is above.",
    crashed: "Stopped by an error; the message is above.",
    timed_out: "Stopped: it took longer than a cell may.",
    out_of_memory: "Stopped: it used more memory than a cell may.",
    cancelled: "Cancelled.",
    infra_error: "Our machines failed, not your code. Run it again.",
  };
  return texts[verdict] ?? "Stopped.";
}
