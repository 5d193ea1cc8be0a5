import { describe, expect, it } from "vitest";

import { withRun } from "../src/lib/hints";
import { commandOf, type Press } from "../src/lib/keys";
import { lineOf } from "../src/lib/log";
import { clamp, HIGH, LOW, moved } from "../src/lib/split";

function press(key: string, held: Partial<Press> = {}): Press {
  return { key, code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held };
}

describe("shortcuts", () => {
  it.each([
    [press("Enter", { ctrlKey: true }), "try"],
    [press("Enter", { metaKey: true, shiftKey: true }), "submit"],
    [press("s", { ctrlKey: true }), "save"],
    [press("S", { ctrlKey: true, shiftKey: true }), null],
    [press("™", { altKey: true, code: "Digit2" }), 1],
    [press("0", { altKey: true, code: "Digit0" }), null],
    [press("r", { altKey: true, code: "KeyR" }), "result"],
    [press("l", { altKey: true, code: "KeyL" }), "log"],
    [press("l", { altKey: true, ctrlKey: true, code: "KeyL" }), null],
    [press("Enter"), null],
    [press("Tab"), null],
  ])("%o asks for %s", (key, command) => {
    expect(commandOf(key, true)).toBe(command);
  });

  it("takes a question mark for text where one types", () => {
    expect(commandOf(press("?", { shiftKey: true }), false)).toBe("help");
    expect(commandOf(press("?", { shiftKey: true }), true)).toBeNull();
  });
});

describe("the border between task and editor", () => {
  it("moves by the keys of a separator, within its ends", () => {
    expect(moved("ArrowRight", 50)).toBe(52);
    expect(moved("ArrowLeft", LOW)).toBe(LOW);
    expect(moved("End", 30)).toBe(HIGH);
    expect(moved("Enter", 30)).toBe(50);
    expect(moved("a", 30)).toBeNull();
    expect(clamp(99)).toBe(HIGH);
    expect(clamp(33.333)).toBe(33.3);
  });
});

describe("a link to a line of the log", () => {
  it("is a number and nothing else", () => {
    expect(lineOf("#L120")).toBe(120);
    for (const other of ["", "#L", "#L1x", "#main", "#L9999999999"]) expect(lineOf(other)).toBe(0);
  });
});

describe("opened hints", () => {
  it("keeps the newest fifty runs", () => {
    let opened = {};
    for (let run = 0; run < 60; run++) opened = withRun(opened, `r${run}`, 1);
    opened = withRun(opened, "r20", 2);
    expect(Object.keys(opened)).toHaveLength(50);
    expect(Object.entries(opened).at(-1)).toEqual(["r20", 2]);
  });
});
