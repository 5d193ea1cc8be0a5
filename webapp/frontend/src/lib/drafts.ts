/** This browser's copy of what a learner wrote and did not send: one record a learner and exercise. */

export type Texts = Record<string, string>;
export type Store = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

const MINUTES_30_DAYS = 30 * 24 * 60;

export interface Draft {
  savedMinute: number;
  texts: Texts;
  version: number; // of the draft on the site that this was written over; 0: none
  dirty: boolean; // the site may not have it
}

export class Drafts {
  constructor(
    private readonly key: string,
    private readonly storage: Store,
    private readonly now: () => number = () => Math.floor(Date.now() / 60_000),
  ) {}

  /** Null when there is none, it is too old, or the browser keeps nothing. */
  load(): Draft | null {
    try {
      return this.read(this.key) ?? this.newestOld();
    } catch {
      return null;
    }
  }

  /** False when the browser would not keep it (storage full or switched off): the page then says so. */
  save(texts: Texts, version: number, dirty: boolean): boolean {
    try {
      this.storage.setItem(this.key, JSON.stringify({ savedMinute: this.now(), texts, version, dirty } satisfies Draft));
      for (const key of this.oldKeys()) this.storage.removeItem(key);
      return true;
    } catch {
      return false;
    }
  }

  clear(): void {
    try {
      for (const key of [this.key, ...this.oldKeys()]) this.storage.removeItem(key);
    } catch {
      return; // nothing was kept
    }
  }

  private read(key: string): Draft | null {
    const draft = JSON.parse(this.storage.getItem(key) ?? "null") as Partial<Draft> | null;
    if (draft?.texts === undefined || this.now() - (draft.savedMinute ?? 0) > MINUTES_30_DAYS) return null;
    return { savedMinute: draft.savedMinute ?? 0, texts: draft.texts, version: draft.version ?? 0, dirty: draft.dirty ?? true };
  }

  /** Before drafts were kept on the site there was a record for each version of the exercise. */
  private newestOld(): Draft | null {
    const found = this.oldKeys().map((key) => this.read(key));
    return found.reduce((one, two) => (two !== null && two.savedMinute > (one?.savedMinute ?? -1) ? two : one), null);
  }

  private oldKeys(): string[] {
    const keys = Array.from({ length: this.storage.length }, (_, index) => this.storage.key(index));
    return keys.filter((key): key is string => key?.startsWith(`${this.key}:`) ?? false);
  }
}

/** What to do with this browser's copy when a page opens that shows another text. */
export type Opening = "nothing" | "offer" | "restore" | "ask";

export function opening(local: Draft | null, page: { texts: Texts; version: number; source: string }): Opening {
  if (local === null || !local.dirty || page.source === "form" || !differs(local.texts, page.texts)) return "nothing";
  if (page.source === "chosen") return "offer";
  return local.version === page.version ? "restore" : "ask";
}

/** Whether the draft says anything that the page does not show already. */
export function differs(draft: Texts, shown: Texts): boolean {
  return Object.entries(draft).some(([name, text]) => name in shown && normal(shown[name] ?? "") !== normal(text));
}

function normal(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}
