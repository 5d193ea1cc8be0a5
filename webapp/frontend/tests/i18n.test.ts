import { afterEach, expect, test, vi } from "vitest";

import { plural, t } from "../src/lib/i18n";

afterEach(() => vi.unstubAllGlobals());

test("without a catalogue the text itself is shown", () => {
  expect(t("Run")).toBe("Run");
  expect(t("{done} of {all}", { done: 1, all: 2 })).toBe("1 of 2");
  expect(t("{missing} stays", { other: 1 })).toBe("{missing} stays");
  expect([0, 1, 2].map((n) => plural("{n} line", "{n} lines", n))).toEqual(["0 lines", "1 line", "2 lines"]);
});

test("a value is text: what looks like a placeholder in it is not filled", () => {
  expect(t("{a} {b}", { a: "{b}", b: "$&" })).toBe("{b} $&");
});

test("with a catalogue its words and plural forms are used", () => {
  vi.stubGlobal("django", {
    gettext: (text: string) => ({ "Run {name}": "{name} starten" })[text] ?? text,
    ngettext: (_one: string, _many: string, n: number) => (n % 10 === 1 ? "{n} one" : "{n} other"),
  });
  expect(t("Run {name}", { name: "x" })).toBe("x starten");
  expect(t("Reset")).toBe("Reset");
  expect(plural("{n} line", "{n} lines", 21)).toBe("21 one");
});
