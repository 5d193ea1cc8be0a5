/** What a learner typed and has not submitted, kept in this browser: one record a learner, exercise and version. */

export type Texts = Record<string, string>;

const MINUTES_30_DAYS = 30 * 24 * 60;

interface Draft {
  savedMinute: number;
  texts: Texts;
}

export class Drafts {
  constructor(
    private readonly key: string,
    private readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">,
    private readonly now: () => number = () => Math.floor(Date.now() / 60_000),
  ) {}

  /** The draft's texts; null when there is none, it is too old, or the browser keeps nothing. */
  load(): Texts | null {
    try {
      const draft = JSON.parse(this.storage.getItem(this.key) ?? "null") as Draft | null;
      if (draft === null || this.now() - draft.savedMinute > MINUTES_30_DAYS) return null;
      return draft.texts;
    } catch {
      return null;
    }
  }

  /** False when the browser would not keep it (storage full or switched off): the page then says so. */
  save(texts: Texts): boolean {
    try {
      this.storage.setItem(this.key, JSON.stringify({ savedMinute: this.now(), texts } satisfies Draft));
      return true;
    } catch {
      return false;
    }
  }

  clear(): void {
    try {
      this.storage.removeItem(this.key);
    } catch {
      return; // nothing was kept
    }
  }
}

/** Whether the draft says anything that the page does not show already. */
export function differs(draft: Texts, shown: Texts): boolean {
  return Object.entries(draft).some(([name, text]) => name in shown && normal(shown[name] ?? "") !== normal(text));
}

function normal(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}
