import { beforeEach, describe, expect, it } from "vitest";

import { Drafts, type Store, type Texts } from "../src/lib/drafts";
import { type Answer, DraftSync, type State } from "../src/lib/draftsync";

const nowhere: Store = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined, key: () => null, length: 0 };

/** A page with one file, a clock that the test moves, and a site that answers what the test says. */
class Page {
  text = "start";
  states: State[] = [];
  sent: { texts: Texts; version: number; leaving: boolean }[] = [];
  theirs: Texts | null = null;
  waiting: (() => void) | null = null;
  answer: (sent: { version: number }) => Answer = ({ version }) => ({ kind: "saved", version: version + 1 });
  sync: DraftSync;

  constructor() {
    this.sync = new DraftSync({
      texts: () => ({ f: this.text }),
      local: new Drafts("k", nowhere),
      version: 4,
      send: (texts, version, leaving) => {
        this.sent.push({ texts, version, leaving });
        return Promise.resolve(this.answer({ version }));
      },
      show: (state) => this.states.push(state),
      newer: (texts) => (this.theirs = texts),
      after: (act) => {
        this.waiting = act;
        return 1;
      },
    });
  }

  type(text: string): void {
    this.text = text;
    this.sync.changed();
  }

  async later(): Promise<void> {
    const act = this.waiting;
    this.waiting = null;
    act?.();
    await Promise.resolve();
    await Promise.resolve();
  }
}

describe("DraftSync", () => {
  let page: Page;
  beforeEach(() => {
    globalThis.clearTimeout = () => undefined;
    page = new Page();
  });

  it("saves once a moment after the last key, over the version that it knows", async () => {
    page.type("a");
    page.type("ab");
    await page.later();
    expect(page.sent).toEqual([{ texts: { f: "ab" }, version: 4, leaving: false }]);
    expect(page.states.at(-1)).toBe("saved");
    await page.sync.flush();
    expect(page.sent).toHaveLength(1);
    page.type("abc");
    await page.later();
    expect(page.sent.at(-1)?.version).toBe(5);
  });

  it("saves again what was typed while a save was under way", async () => {
    page.type("a");
    page.answer = ({ version }) => {
      page.text = "a and more";
      return { kind: "saved", version: version + 1 };
    };
    await page.later();
    expect(page.states.at(-1)).toBe("changed");
    page.answer = ({ version }) => ({ kind: "saved", version: version + 1 });
    await page.later();
    expect(page.sent.map((one) => one.texts["f"])).toEqual(["a", "a and more"]);
    expect(page.states.at(-1)).toBe("saved");
  });

  it("tries again by itself while the site cannot be reached", async () => {
    page.answer = () => ({ kind: "offline" });
    page.type("a");
    await page.later();
    expect(page.states.at(-1)).toBe("offline");
    page.answer = ({ version }) => ({ kind: "saved", version: version + 1 });
    await page.later();
    expect(page.states.at(-1)).toBe("saved");
  });

  it("replaces nothing newer unasked, and does what the learner chooses", async () => {
    page.answer = () => ({ kind: "newer", version: 9, texts: { f: "from elsewhere" } });
    page.type("mine");
    await page.later();
    expect(page.theirs).toEqual({ f: "from elsewhere" });
    page.type("mine, too");
    await page.sync.flush();
    expect(page.sent).toHaveLength(1);
    page.answer = ({ version }) => ({ kind: "saved", version: version + 1 });
    page.sync.keepMine();
    await page.later();
    expect(page.sent.at(-1)).toEqual({ texts: { f: "mine, too" }, version: 9, leaving: false });
  });

  it("sends what is unsaved when the page goes away, and nothing else", () => {
    page.sync.leave();
    expect(page.sent).toHaveLength(0);
    page.type("last words");
    page.sync.leave();
    expect(page.sent).toEqual([{ texts: { f: "last words" }, version: 4, leaving: true }]);
    page.sync.settle();
    page.sync.leave();
    expect(page.sent).toHaveLength(1);
  });
});
