import { differs, Drafts, type Texts } from "./drafts";
import { all, el, find, need, setBusy, showFragment } from "./dom";
import { type Editor, mountEditor } from "./editor";
import { type FieldErrors, getHtml, postForm, RequestError, type RunCreated } from "./http";
import type { RunLive } from "./run";
import { Tabs } from "./tabs";
import { localTimes } from "./times";

const SAVE_AFTER_MS = 600;

interface File {
  name: string;
  panel: HTMLElement;
  editor: Editor;
  starter: string;
}

/** The form of an exercise: editors in tabs, the draft, and sending a Try or a Submit. */
export class Workbench {
  live: RunLive | null = null;
  private readonly files: File[] = [];
  private readonly tabs: Tabs | null;
  private readonly drafts: Drafts;
  private readonly note: HTMLElement;
  private saving = 0;
  private filling = false; // the page, not the learner, is changing the text

  constructor(
    private readonly form: HTMLFormElement,
    private readonly run: HTMLElement | null,
  ) {
    this.drafts = new Drafts(form.dataset["storageKey"] ?? "", localStorage);
    this.note = need("[data-draft-note]", form);
    for (const panel of all<HTMLElement>("[data-file]", form)) this.mount(panel);
    const list = find<HTMLElement>("[role=tablist]", form);
    this.tabs = list && new Tabs(list, () => undefined);
    this.restore();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send(event.submitter as HTMLButtonElement | null);
    });
    find("[data-reset]", form)?.addEventListener("click", () => this.askReset());
  }

  /** A verdict came: show the history with it. A pass also opens the reference solution, which needs a new page. */
  runFinished(): void {
    const shown = find<HTMLElement>("[data-verdict]", this.run ?? document)?.dataset;
    const more = find<HTMLElement>("[data-solution-ready]");
    if (more && shown?.["verdict"] === "passed" && shown["tier"] !== "smoke") more.hidden = false;
    void this.refreshAfter();
  }

  /** A run that waits may be replaced, one that runs may not. */
  runMoved(): void {
    void this.refreshPart("[data-allowance]");
  }

  private mount(panel: HTMLElement): void {
    const area = need<HTMLTextAreaElement>("textarea", panel);
    const readonly = area.readOnly;
    const name = panel.dataset["file"] ?? "";
    const starter = find<HTMLTextAreaElement>("[data-starter]", panel)?.value ?? area.value;
    const editor = mountEditor(area, {
      label: readonly ? `${name}, read-only` : name,
      language: panel.dataset["language"] ?? "text",
      readonly,
      describedBy: "editor-help",
      keys: [
        { key: "Mod-Enter", run: () => this.press("try") },
        { key: "Mod-Shift-Enter", run: () => this.press("submit") },
      ],
      changed: () => this.changed(panel),
    });
    if (!readonly) this.files.push({ name, panel, editor, starter });
  }

  private press(role: string): void {
    find<HTMLButtonElement>(`button[data-role="${role}"]:not(:disabled)`, this.form)?.click();
  }

  private texts(): Texts {
    return Object.fromEntries(this.files.map((file) => [file.name, file.editor.text()]));
  }

  private changed(panel: HTMLElement): void {
    clearErrors(panel);
    clearTimeout(this.saving);
    const quiet = this.filling; // keep what the note offers
    this.saving = window.setTimeout(() => {
      const kept = this.drafts.save(this.texts());
      if (quiet) return;
      this.note.textContent = kept ? "Draft kept in this browser" : "This browser keeps no drafts";
    }, SAVE_AFTER_MS);
  }

  private restore(): void {
    const draft = this.drafts.load();
    if (draft === null || this.form.dataset["hasErrors"] === "true" || !differs(draft, this.texts())) return;
    const before = this.texts();
    this.setTexts(draft);
    this.offer("Your unsent draft is back.", "Use the last sent version", () => this.setTexts(before));
  }

  private setTexts(texts: Texts): void {
    this.filling = true;
    for (const file of this.files) {
      const text = texts[file.name];
      if (text !== undefined) file.editor.setText(text);
    }
    this.filling = false;
  }

  private askReset(): void {
    const before = this.texts();
    this.setTexts(Object.fromEntries(this.files.map((file) => [file.name, file.starter])));
    this.offer("Back to the starter.", "Undo", () => this.setTexts(before));
  }

  /** One sentence and one way back, in the line under the editor. */
  private offer(text: string, action: string, act: () => void): void {
    const button = el("button", { type: "button", class: "link" }, action);
    button.addEventListener("click", () => {
      act();
      this.note.textContent = "Done.";
    });
    this.note.replaceChildren(`${text} `, button);
  }

  private async send(button: HTMLButtonElement | null): Promise<void> {
    if (button === null) return;
    clearErrors(this.form);
    setBusy(button, true);
    const body = new FormData(this.form);
    body.set(button.name, button.value);
    try {
      const run = await postForm<RunCreated>(this.form.action, body);
      this.drafts.save(this.texts());
      this.note.textContent = "Sent.";
      await this.live?.start(run);
      void this.refreshAfter();
    } catch (error) {
      this.showErrors(error);
    } finally {
      setBusy(button, false);
    }
  }

  private showErrors(error: unknown): void {
    if (!(error instanceof RequestError)) throw error;
    const rest = showAtFields(this.form, error.fields);
    if (Object.keys(error.fields).length === 0) rest.push(error.message);
    fillErrors(need("[data-form-errors]", this.form), rest);
    const first = find<HTMLElement>(".errors:not(:empty)", this.form);
    const panel = first?.closest<HTMLElement>("[data-file]");
    if (panel) this.tabs?.open(panel.id);
    first?.scrollIntoView({ block: "nearest" });
  }

  /** What a new or a finished run changes: the history, and what is left of attempts and minutes. */
  private async refreshAfter(): Promise<void> {
    await Promise.all([this.refreshPart("[data-history]"), this.refreshPart("[data-allowance]")]);
  }

  private async refreshPart(selector: string): Promise<void> {
    const place = find<HTMLElement>(selector);
    if (place?.dataset["url"] === undefined) return;
    try {
      const html = await getHtml(place.dataset["url"]);
      const unchecked = all<HTMLInputElement>("input[type=checkbox]:not(:checked)", place).map((box) => box.name);
      showFragment(place, html);
      for (const name of unchecked) for (const box of all<HTMLInputElement>(`[name="${name}"]`, place)) box.checked = false;
      localTimes(place);
    } catch {
      return; // the old one stays; a reload brings the new one
    }
  }
}

/** Put each field's messages at its file; returns what belongs to no file. */
function showAtFields(form: HTMLElement, fields: FieldErrors): string[] {
  const rest: string[] = [];
  for (const [field, messages] of Object.entries(fields)) {
    const name = field.replace(/^files?[.:]/, "");
    const panel = all<HTMLElement>("[data-file]", form).find((one) => one.dataset["file"] === name);
    if (panel) fillErrors(need("[data-field-errors]", panel), messages);
    else rest.push(...messages);
  }
  return rest;
}

function fillErrors(list: Element, messages: string[]): void {
  list.replaceChildren(...messages.map((message) => el("li", {}, message)));
}

function clearErrors(root: ParentNode): void {
  for (const list of all(".errors", root)) list.replaceChildren();
}
