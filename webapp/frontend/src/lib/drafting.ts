import { el, find, need } from "./dom";
import { differs, Drafts, opening, type Texts } from "./drafts";
import { DraftSync, sendDraft, type State } from "./draftsync";
import { t } from "./i18n";

interface Bench {
  texts: () => Texts;
  setTexts: (texts: Texts) => void; // without a word to `changed`
}

/** The draft of an exercise in its page: what the line under the editor says, and the choice between two drafts. */
export class Drafting {
  private readonly sync: DraftSync;
  private readonly local: Drafts;
  private readonly note: HTMLElement;
  private readonly state: HTMLElement;
  private theirs: Texts = {};

  constructor(
    private readonly form: HTMLFormElement,
    private readonly bench: Bench,
  ) {
    this.note = need("[data-draft-note]", form);
    this.state = need("[data-draft-state]", form);
    this.local = new Drafts(form.dataset["storageKey"] ?? "", localStorage);
    const url = form.dataset["draftUrl"];
    const token = find<HTMLInputElement>("[name=csrfmiddlewaretoken]", form)?.value ?? "";
    this.sync = new DraftSync({
      texts: bench.texts,
      local: this.local,
      version: Number(need<HTMLInputElement>("[data-version]", form).value),
      send: url === undefined ? null : (texts, version, leaving) => sendDraft(url, token, texts, version, leaving),
      show: (state, message) => this.show(state, message),
      newer: (texts) => this.askWhich(texts),
    });
    this.restore();
    window.addEventListener("online", () => void this.sync.flush());
    window.addEventListener("pagehide", () => this.sync.leave());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") void this.sync.flush();
    });
    find("[data-take-theirs]", form)?.addEventListener("click", () => this.takeTheirs());
    find("[data-keep-mine]", form)?.addEventListener("click", () => this.keepMine());
  }

  changed(): void {
    this.note.replaceChildren();
    this.sync.changed();
  }

  saveNow(): void {
    if (this.form.dataset["draftUrl"] !== undefined) this.note.textContent = t("Your draft is saved as you write.");
    void this.sync.flush();
  }

  sent(): void {
    this.sync.settle();
    this.state.textContent = "";
    this.note.textContent = t("Sent.");
  }

  /** Another text in the editor, with a way back. */
  replace(texts: Texts, text: string, back: string): void {
    const before = this.bench.texts();
    this.put(texts);
    this.offer(text, back, () => this.put(before));
  }

  private put(texts: Texts): void {
    this.bench.setTexts(texts);
    this.sync.changed();
  }

  private restore(): void {
    const page = { texts: this.bench.texts(), version: this.sync.known, source: this.form.dataset["source"] ?? "" };
    const local = this.local.load() ?? this.visitors(page.version);
    const what = opening(local, page);
    if (local === null || what === "nothing") return;
    if (what === "offer") {
      this.offer(t("You have text here that was not saved."), t("Bring it back"), () => this.put(local.texts));
    } else if (what === "restore") {
      this.replace(local.texts, t("Your unsaved text is back."), t("Use what the site had"));
    } else {
      this.bench.setTexts(local.texts);
      this.sync.changed();
      this.sync.ask(page.version, page.texts);
    }
  }

  /** What was typed before signing in, where nothing else is kept yet. */
  private visitors(version: number): ReturnType<Drafts["load"]> {
    const key = this.form.dataset["visitorKey"] ?? "";
    if (key === "" || version > 0) return null;
    const visitor = new Drafts(key, localStorage);
    const found = visitor.load();
    visitor.clear();
    return found;
  }

  private show(state: State, message: string): void {
    const texts: Record<State, string> = {
      changed: t("Not saved yet"),
      saved: t("Saved"),
      offline: t("Offline: kept in this browser"),
      local: t("Kept in this browser"),
      full: t("This browser keeps no drafts"),
      refused: t("Not saved on the site: {message} It is kept in this browser.", { message }),
      newer: t("Not saved: choose which draft to keep"),
    };
    this.state.textContent = texts[state];
    this.state.dataset["state"] = state;
    need<HTMLElement>("[data-offline]").hidden = state !== "offline";
    if (state !== "newer") need<HTMLElement>("[data-conflict]", this.form).hidden = true;
  }

  private askWhich(theirs: Texts): void {
    this.theirs = theirs;
    if (!differs(theirs, this.bench.texts())) return this.sync.takeTheirs();
    need<HTMLElement>("[data-conflict]", this.form).hidden = false;
  }

  private takeTheirs(): void {
    const mine = this.bench.texts();
    this.bench.setTexts(this.theirs);
    this.sync.takeTheirs();
    this.offer(t("The newer draft is loaded."), t("Undo"), () => this.put(mine));
  }

  private keepMine(): void {
    this.sync.keepMine();
    this.note.textContent = t("What is here is your draft now.");
  }

  /** One sentence and one way back, in the line under the editor. */
  private offer(text: string, action: string, act: () => void): void {
    const button = el("button", { type: "button", class: "link" }, action);
    button.addEventListener("click", () => {
      act();
      this.note.textContent = t("Done.");
    });
    this.note.replaceChildren(`${text} `, button);
  }
}
