import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Command, Group } from "../src/lib/palette";
import { fold, moved, recentAfter, recentOf, score, sections } from "../src/lib/palettematch";
import { AFTER_MS, type Found, Search } from "../src/lib/palettesearch";

function command(title: string, group: Group = "page", more: Partial<Command> = {}): Command {
  return { id: title, title, group, ...more };
}

describe("score", () => {
  it("wants every word somewhere, from its beginning", () => {
    expect(score(command("A/B Testing"), "test")).toBeGreaterThan(0);
    expect(score(command("A/B Testing"), "testing b")).toBeGreaterThan(0);
    expect(score(command("A/B Testing"), "esting")).toBe(0);
    expect(score(command("A/B Testing"), "test other")).toBe(0);
    expect(score(command("A/B Testing"), " … ")).toBe(0);
  });

  it("puts a title before a note, and a whole word before a beginning", () => {
    const [whole, begins, later, noted] = [
      command("Plan"),
      command("Planning"),
      command("Study planning"),
      command("Other", "page", { note: "plan" }),
    ].map((one) => score(one, "plan")) as [number, number, number, number];
    expect([whole > begins, begins > later, later > noted, noted > 0]).toEqual([true, true, true, true]);
  });

  it("knows neither case nor diacritics", () => {
    expect(score(command("Café Über"), "cafe uber")).toBeGreaterThan(0);
    expect(fold("ÉCOLE")).toBe("ecole");
  });
});

describe("sections", () => {
  const commands = [
    command("Try", "here"),
    command("Home"),
    command("Distributed Training", "lesson"),
    command("Plan the memory", "exercise", { note: "Distributed Training" }),
    ...Array.from({ length: 9 }, (_, place) => command(`Drill ${place}`, "exercise")),
  ];

  it("shows what was used last, then where one may go", () => {
    const shown = sections(commands, "", ["Home", "gone", "Plan the memory"]);
    expect(shown.map((section) => section.group)).toEqual(["recent", "here", "lesson"]);
    expect(shown[0]?.commands.map((one) => one.title)).toEqual(["Home", "Plan the memory"]);
    const all = shown.flatMap((section) => section.commands);
    expect(new Set(all).size).toBe(all.length);
  });

  it("puts the group with the best command first, and bounds each", () => {
    const shown = sections(commands, "distributed", []);
    expect(shown.map((section) => section.group)).toEqual(["lesson", "exercise"]);
    expect(sections(commands, "drill", [])[0]?.commands).toHaveLength(5);
    expect(sections(commands, "nowhere", [])).toEqual([]);
  });
});

describe("recent", () => {
  it("keeps the last ones, each once", () => {
    const kept = JSON.stringify(["a", "b", "c"]);
    expect(recentAfter(kept, "b")).toEqual(["b", "a", "c"]);
    expect(recentAfter(kept, "d", 3)).toEqual(["d", "a", "b"]);
  });

  it.each([null, "", "{", '{"a":1}', "7", "null"])("reads %s as nothing", (kept) => {
    expect(recentOf(kept)).toEqual([]);
  });

  it("takes texts alone", () => {
    expect(recentOf('["a", 1, null, {"b": 2}]')).toEqual(["a"]);
  });
});

describe("moved", () => {
  it("goes round", () => {
    expect(moved(2, "ArrowDown", 3)).toBe(0);
    expect(moved(0, "ArrowUp", 3)).toBe(2);
    expect(moved(0, "ArrowDown", 3)).toBe(1);
    expect(moved(0, "ArrowDown", 0)).toBe(-1);
  });
});

describe("Search", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const found = (query: string): Found => ({ query, total: 1, hits: [] });
  const asked: string[] = [];
  const ask = ((url: string) => {
    asked.push(url);
    return Promise.resolve(Response.json(found(url)));
  }) as typeof fetch;

  it("asks once a pause, and for the last text", async () => {
    asked.length = 0;
    const shown: (Found | null)[] = [];
    const search = new Search("/search/", (one) => shown.push(one), ask);
    for (const text of ["ri", "rin", "ring & co"]) {
      expect(search.type(text)).toBe(true);
      await vi.advanceTimersByTimeAsync(AFTER_MS / 2);
    }
    await vi.advanceTimersByTimeAsync(AFTER_MS);
    expect(asked).toEqual(["/search/?q=ring+%26+co"]);
    expect(shown).toHaveLength(1);
  });

  it("asks nothing for a single letter", async () => {
    asked.length = 0;
    expect(new Search("/search/", () => undefined, ask).type(" r ")).toBe(false);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toEqual([]);
  });

  it("drops an answer that comes after the next question", async () => {
    const shown: (Found | null)[] = [];
    const slow = ((url: string, options: RequestInit) =>
      new Promise<Response>((resolve, reject) => {
        setTimeout(() => resolve(Response.json(found(url))), url.endsWith("one") ? 5000 : 10);
        options.signal?.addEventListener("abort", () => reject(new Error("aborted")));
      })) as typeof fetch;
    const search = new Search("/s/", (one) => shown.push(one), slow);
    search.type("one");
    await vi.advanceTimersByTimeAsync(AFTER_MS + 1);
    search.type("two");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(shown.map((one) => one?.query)).toEqual(["/s/?q=two"]);
  });

  it("says when the site could not be asked", async () => {
    for (const answer of [() => Promise.reject(new TypeError("offline")), () => Promise.resolve(new Response("", { status: 503 }))]) {
      const shown: (Found | null)[] = [];
      new Search("/s/", (one) => shown.push(one), answer as typeof fetch).type("ring");
      await vi.advanceTimersByTimeAsync(AFTER_MS + 1);
      expect(shown).toEqual([null]);
    }
  });
});
