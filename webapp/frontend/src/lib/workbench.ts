import { all, el, find, need, setBusy, showFragment } from "./dom";
import { Drafting } from "./drafting";
import type { Texts } from "./drafts";
import { type Editor, mountEditor } from "./editor";
import { type FieldErrors, getHtml, postForm, RequestError, type RunCreated } from "./http";
import { t } from "./i18n";
import { type Command, listen } from "./keys";
import type { RunLive } from "./run";
import { Tabs } from "./tabs";
import { localTimes } from "./times";

interface File {
  name: string;
  panel: HTMLElement;
  editor: Editor;
  starter: string;
  readonly: boolean;
}

/** The form of an exercise: editors in tabs, the draft, and sending a Try or a Submit. */
export class Workbench {
  live: RunLive | null = null;
  private readonly files: File[] = [];
  private readonly tabs: Tabs | null;
  private readonly drafting: Drafting;
  private filling = false; // the page, not the learner, is changing the text

  constructor(
    private readonly form: HTMLFormElement,
    private readonly run: HTMLElement | null,
  ) {
    for (const panel of all<HTMLElement>("[data-file]", form)) this.mount(panel);
    const list = find<HTMLElement>("[role=tablist]", form);
    this.tabs = list && new Tabs(list, () => undefined);
    this.drafting = new Drafting(form, { texts: () => this.texts(), setTexts: (texts) => this.setTexts(texts) });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send(event.submitter as HTMLButtonElement | null);
    });
    run?.addEventListener("submit", (event) => this.again(event));
    find("[data-reset]", form)?.addEventListener("click", () => this.reset());
    find("[data-keys-open]", form)?.addEventListener("click", () => this.act("help"));
    listen((command) => this.act(command));
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
      label: readonly ? t("{name}, read-only", { name }) : name,
      language: panel.dataset["language"] ?? "text",
      readonly,
      describedBy: "editor-help",
      keys: [],
      changed: () => this.changed(panel),
    });
    this.files.push({ name, panel, editor, starter, readonly });
  }

  private act(command: Command): void {
    if (command === "try" || command === "submit") {
      find<HTMLButtonElement>(`button[data-role="${command}"]:not(:disabled)`, this.form)?.click();
    } else if (command === "save") this.drafting.saveNow();
    else if (command === "help") find<HTMLDialogElement>("dialog[data-keys]")?.showModal();
    else if (command === "result") this.goTo("[data-run-heading]");
    else if (command === "log") this.goTo("[data-log]");
    else this.goToFile(command);
  }

  private goToFile(place: number): void {
    const file = this.files[place];
    if (file === undefined) return;
    this.tabs?.open(file.panel.id);
    file.editor.focus();
  }

  private goTo(selector: string): void {
    const place = this.run && find<HTMLElement>(selector, this.run);
    const box = place?.closest("details");
    if (box) box.open = true;
    place?.focus();
  }

  private texts(): Texts {
    const own = this.files.filter((file) => !file.readonly);
    return Object.fromEntries(own.map((file) => [file.name, file.editor.text()]));
  }

  private changed(panel: HTMLElement): void {
    clearErrors(panel);
    if (!this.filling) this.drafting.changed();
  }

  private setTexts(texts: Texts): void {
    this.filling = true;
    for (const file of this.files) {
      const text = texts[file.name];
      if (text !== undefined && !file.readonly) file.editor.setText(text);
    }
    this.filling = false;
  }

  private reset(): void {
    const starter = Object.fromEntries(this.files.map((file) => [file.name, file.starter]));
    this.drafting.replace(starter, t("Back to the starter."), t("Undo"));
  }

  private async send(button: HTMLButtonElement | null): Promise<void> {
    if (button?.name !== "tier") return this.drafting.saveNow();
    clearErrors(this.form);
    setBusy(button, true);
    const body = new FormData(this.form);
    body.set(button.name, button.value);
    try {
      const run = await postForm<RunCreated>(this.form.action, body);
      this.drafting.sent();
      await this.live?.start(run);
      void this.refreshAfter();
    } catch (error) {
      this.showErrors(error);
    } finally {
      setBusy(button, false);
    }
  }

  /** The same files once more, after a run that came to nothing: followed here, without leaving the page. */
  private again(event: SubmitEvent): void {
    const form = event.target as HTMLFormElement;
    if (!("again" in form.dataset)) return;
    event.preventDefault();
    clearErrors(this.form);
    postForm<RunCreated>(form.action, new FormData(form)).then(
      (run) => this.live?.start(run).then(() => this.refreshAfter()),
      (error: unknown) => this.showErrors(error),
    );
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
