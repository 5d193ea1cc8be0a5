import { describe, expect, it } from "vitest";

import { applyCodes, nearest, parseAnsi, PLAIN } from "../src/lib/ansi";

const texts = (line: string): string => parseAnsi(line).pieces.map((piece) => piece.text).join("");

describe("parseAnsi", () => {
  it("gives plain text in one piece without classes", () => {
    expect(parseAnsi("loss 0.25").pieces).toEqual([{ text: "loss 0.25", classes: "" }]);
  });

  it("colours between the codes and stops at reset", () => {
    const { pieces, end } = parseAnsi("a \u001b[1;31mbad\u001b[0m b");
    expect(pieces).toEqual([
      { text: "a ", classes: "" },
      { text: "bad", classes: "ansi-red ansi-bold" },
      { text: " b", classes: "" },
    ]);
    expect(end).toEqual(PLAIN);
  });

  it("carries a style to the next line", () => {
    const { end } = parseAnsi("\u001b[32mgreen starts");
    expect(parseAnsi("goes on", end).pieces).toEqual([{ text: "goes on", classes: "ansi-green" }]);
  });

  it("keeps markup as text", () => {
    expect(texts("<img src=x onerror=alert(1)>")).toBe("<img src=x onerror=alert(1)>");
  });

  it("drops cursor movement, bells and an escape that never ends", () => {
    expect(texts("a\u001b[2Jb\u0007c\u001b")).toBe("abc");
  });

  it("brings 256 colours and true colour to the eight that are readable", () => {
    expect(parseAnsi("\u001b[38;5;196mx").pieces[0]?.classes).toBe("ansi-red");
    expect(parseAnsi("\u001b[38;2;30;200;40mx").pieces[0]?.classes).toBe("ansi-green");
    expect(parseAnsi("\u001b[38;5;240mx").pieces[0]?.classes).toBe("ansi-grey");
  });

  it("reads what follows an extended colour", () => {
    expect(applyCodes(PLAIN, "38;5;33;4").underline).toBe(true);
  });

  it("ignores an extended colour that is cut short", () => {
    expect(applyCodes(PLAIN, "38;5")).toEqual({ ...PLAIN, colour: "grey" });
    expect(applyCodes(PLAIN, "38")).toEqual(PLAIN);
  });
});

describe("nearest", () => {
  it("finds the hue", () => {
    expect(nearest(250, 240, 20)).toBe("yellow");
    expect(nearest(20, 20, 240)).toBe("blue");
    expect(nearest(255, 255, 255)).toBe("plain");
  });
});
