import { describe, expect, it } from "vitest";

import { differs, type Draft, Drafts, opening, type Store } from "../src/lib/drafts";

function memory(): Store {
  const kept = new Map<string, string>();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    key: (index) => [...kept.keys()][index] ?? null,
    get length() {
      return kept.size;
    },
  };
}

const refuse = (): never => {
  throw new Error("denied");
};
const full: Store = { getItem: refuse, setItem: refuse, removeItem: refuse, key: refuse, length: 0 };

describe("Drafts", () => {
  it("gives back what was saved, to its own key only", () => {
    const storage = memory();
    new Drafts("rz:1:a", storage, () => 5).save({ "train.py": "x = 1" }, 3, true);
    const found = new Drafts("rz:1:a", storage, () => 6).load();
    expect(found).toEqual({ savedMinute: 5, texts: { "train.py": "x = 1" }, version: 3, dirty: true });
    expect(new Drafts("rz:2:a", storage).load()).toBeNull();
  });

  it("forgets after thirty days and when told to", () => {
    const storage = memory();
    new Drafts("k", storage, () => 0).save({ a: "1" }, 0, true);
    expect(new Drafts("k", storage, () => 30 * 24 * 60).load()?.texts).toEqual({ a: "1" });
    expect(new Drafts("k", storage, () => 30 * 24 * 60 + 1).load()).toBeNull();
    new Drafts("k", storage, () => 0).clear();
    expect(new Drafts("k", storage, () => 0).load()).toBeNull();
  });

  it("says so when the browser keeps nothing, and does not break", () => {
    const drafts = new Drafts("k", full);
    expect(drafts.save({ a: "1" }, 0, true)).toBe(false);
    expect(drafts.load()).toBeNull();
    drafts.clear();
  });

  it("reads a broken record as none", () => {
    const storage = memory();
    storage.setItem("k", "{");
    expect(new Drafts("k", storage).load()).toBeNull();
  });

  it("takes over the newest record of before drafts were kept on the site, and then removes them", () => {
    const storage = memory();
    storage.setItem("rz:1:a:old", JSON.stringify({ savedMinute: 1, texts: { f: "older" } }));
    storage.setItem("rz:1:a:new", JSON.stringify({ savedMinute: 2, texts: { f: "newer" } }));
    storage.setItem("rz:1:ab:x", JSON.stringify({ savedMinute: 3, texts: { f: "another exercise" } }));
    const drafts = new Drafts("rz:1:a", storage, () => 3);
    expect(drafts.load()).toEqual({ savedMinute: 2, texts: { f: "newer" }, version: 0, dirty: true });
    drafts.save({ f: "now" }, 1, false);
    expect(storage.length).toBe(2);
  });
});

describe("opening", () => {
  const local = (version: number, dirty = true): Draft => ({ savedMinute: 0, texts: { f: "mine" }, version, dirty });
  const page = { texts: { f: "theirs" }, version: 2, source: "draft" };

  it("brings back what the site never got, and asks where the site has something newer", () => {
    expect(opening(local(2), page)).toBe("restore");
    expect(opening(local(1), page)).toBe("ask");
    expect(opening(local(0), { ...page, version: 0, source: "starter" })).toBe("restore");
  });

  it("leaves what was chosen or refused in the editor", () => {
    expect(opening(local(2), { ...page, source: "chosen" })).toBe("offer");
    expect(opening(local(2), { ...page, source: "form" })).toBe("nothing");
  });

  it("does nothing where the site has it all", () => {
    expect(opening(null, page)).toBe("nothing");
    expect(opening(local(1, false), page)).toBe("nothing");
    expect(opening(local(1), { ...page, texts: { f: "mine" } })).toBe("nothing");
  });
});

describe("differs", () => {
  it("looks past line endings and files that are gone", () => {
    expect(differs({ a: "x\r\ny" }, { a: "x\ny" })).toBe(false);
    expect(differs({ gone: "x" }, { a: "y" })).toBe(false);
    expect(differs({ a: "x" }, { a: "y" })).toBe(true);
  });
});
