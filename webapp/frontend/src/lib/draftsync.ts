import { differs, type Drafts, type Texts } from "./drafts";
import { type FieldErrors, flatten, messageFor } from "./http";
import { delayFor } from "./stream";

export type Answer =
  | { kind: "saved"; version: number }
  | { kind: "newer"; version: number; texts: Texts }
  | { kind: "refused"; message: string }
  | { kind: "offline" };

/** `full`: this browser keeps nothing. `local`: only this browser does, because nobody is signed in. */
export type State = "changed" | "saved" | "offline" | "local" | "full" | "refused" | "newer";

export interface Parts {
  texts: () => Texts;
  local: Drafts;
  version: number;
  send: ((texts: Texts, version: number, leaving: boolean) => Promise<Answer>) | null; // null: nobody is signed in
  show: (state: State, message: string) => void;
  newer: (texts: Texts) => void;
  after?: (act: () => void, ms: number) => number;
}

const SAVE_AFTER_MS = 1200;

/** Keeps what is typed: in this browser at once, on the site a moment later, one request at a time. */
export class DraftSync {
  private version: number;
  private dirty = false;
  private busy = false;
  private asking = false; // a newer draft was found: the learner chooses first
  private timer = 0;
  private tries = 0;

  constructor(private readonly parts: Parts) {
    this.version = parts.version;
  }

  get known(): number {
    return this.version;
  }

  changed(): void {
    this.dirty = true;
    const kept = this.parts.local.save(this.parts.texts(), this.version, true);
    if (this.parts.send === null) return this.parts.show(kept ? "local" : "full", "");
    if (this.asking) return;
    if (this.tries === 0) this.parts.show("changed", "");
    this.later(this.tries === 0 ? SAVE_AFTER_MS : 1000 * delayFor(this.tries));
  }

  /** Now, not in a moment: the connection is back, or somebody asked. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    if (!this.dirty || this.busy || this.asking || this.parts.send === null) return;
    this.busy = true;
    const texts = this.parts.texts();
    const answer = await this.parts.send(texts, this.version, false);
    this.busy = false;
    this.take(answer, texts);
  }

  /** The page goes away: nobody waits for the answer, and the copy here stays marked as unsaved. */
  leave(): void {
    if (this.dirty && !this.asking) void this.parts.send?.(this.parts.texts(), this.version, true);
  }

  /** What is in the editor was submitted: the site has it. */
  settle(): void {
    clearTimeout(this.timer);
    this.clean();
  }

  /** The learner has chosen what is here over the newer draft. */
  keepMine(): void {
    this.asking = false;
    this.dirty = true;
    void this.flush();
  }

  /** The learner has chosen the newer draft, which the editor shows now. */
  takeTheirs(): void {
    this.asking = false;
    this.clean();
  }

  /** Another draft than the one this page knew is kept on the site. */
  ask(version: number, texts: Texts): void {
    this.version = version;
    this.asking = true;
    this.parts.show("newer", "");
    this.parts.newer(texts);
  }

  private take(answer: Answer, sent: Texts): void {
    if (answer.kind === "newer") return this.ask(answer.version, answer.texts);
    if (answer.kind === "offline") {
      this.parts.show("offline", "");
      return this.later(1000 * delayFor(this.tries++));
    }
    this.tries = 0;
    if (answer.kind === "refused") return this.parts.show("refused", answer.message);
    this.version = answer.version;
    if (differs(sent, this.parts.texts())) return this.changed();
    this.clean();
  }

  private clean(): void {
    this.dirty = false;
    this.tries = 0;
    this.parts.local.save(this.parts.texts(), this.version, false);
    this.parts.show("saved", "");
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = (this.parts.after ?? ((act, wait) => window.setTimeout(act, wait)))(() => void this.flush(), ms);
  }
}

const KEEPALIVE_BYTES = 60_000; // browsers send at most 64 KiB after a page is gone

/** POST the texts as the form would; every failure has a kind of its own, nothing is thrown. */
export async function sendDraft(url: string, token: string, texts: Texts, version: number, leaving: boolean): Promise<Answer> {
  const body = new URLSearchParams({ csrfmiddlewaretoken: token, version: String(version) });
  for (const [name, text] of Object.entries(texts)) body.append(`file:${name}`, text);
  const keepalive = leaving && body.toString().length < KEEPALIVE_BYTES;
  try {
    const response = await fetch(url, { method: "POST", body, keepalive, headers: { Accept: "application/json" } });
    return await answerOf(response);
  } catch {
    return { kind: "offline" };
  }
}

interface Body {
  version: number;
  files?: Texts;
  errors?: FieldErrors;
}

async function answerOf(response: Response): Promise<Answer> {
  const isJson = response.headers.get("Content-Type")?.includes("application/json") ?? false;
  if (!isJson) return response.status >= 502 ? { kind: "offline" } : { kind: "refused", message: messageFor(response.status) };
  const body = (await response.json()) as Body;
  if (response.status === 409) return { kind: "newer", version: body.version, texts: body.files ?? {} };
  if (response.status === 422) return { kind: "refused", message: flatten(body.errors ?? {}) };
  return response.ok ? { kind: "saved", version: body.version } : { kind: "refused", message: messageFor(response.status) };
}
