import { describe, expect, it } from "vitest";

import { differs, Drafts } from "../src/lib/drafts";

function memory(): Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  const kept = new Map<string, string>();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

const full: Pick<Storage, "getItem" | "setItem" | "removeItem"> = {
  getItem: () => {
    throw new Error("denied");
  },
  setItem: () => {
    throw new Error("quota");
  },
  removeItem: () => {
    throw new Error("denied");
  },
};

describe("Drafts", () => {
  it("gives back what was saved, to its own key only", () => {
    const storage = memory();
    new Drafts("rz:1:a", storage).save({ "train.py": "x = 1" });
    expect(new Drafts("rz:1:a", storage).load()).toEqual({ "train.py": "x = 1" });
    expect(new Drafts("rz:2:a", storage).load()).toBeNull();
  });

  it("forgets after thirty days and when told to", () => {
    const storage = memory();
    new Drafts("k", storage, () => 0).save({ a: "1" });
    expect(new Drafts("k", storage, () => 30 * 24 * 60).load()).toEqual({ a: "1" });
    expect(new Drafts("k", storage, () => 30 * 24 * 60 + 1).load()).toBeNull();
    new Drafts("k", storage, () => 0).clear();
    expect(new Drafts("k", storage, () => 0).load()).toBeNull();
  });

  it("says so when the browser keeps nothing, and does not break", () => {
    const drafts = new Drafts("k", full);
    expect(drafts.save({ a: "1" })).toBe(false);
    expect(drafts.load()).toBeNull();
    drafts.clear();
  });

  it("reads a broken record as none", () => {
    const storage = memory();
    storage.setItem("k", "{");
    expect(new Drafts("k", storage).load()).toBeNull();
  });
});

describe("differs", () => {
  it("looks past line endings and files that are gone", () => {
    expect(differs({ a: "x\r\ny" }, { a: "x\ny" })).toBe(false);
    expect(differs({ gone: "x" }, { a: "y" })).toBe(false);
    expect(differs({ a: "x" }, { a: "y" })).toBe(true);
  });
});
