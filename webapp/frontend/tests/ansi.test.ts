
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

describe("codes with colons", () => {
  it("reads both forms of a true colour, a colour of 256 and a curly underline", () => {
    expect(applyCodes(PLAIN, "38:2:30:200:40").colour).toBe("green");
    expect(applyCodes(PLAIN, "38:2::30:200:40").colour).toBe("green");
    expect(applyCodes(PLAIN, "38:5:196").colour).toBe("red");
    expect(applyCodes(PLAIN, "4:3")).toEqual({ ...PLAIN, underline: true });
    expect(applyCodes({ ...PLAIN, underline: true }, "4:0")).toEqual(PLAIN);
  });

  it("leaves a background and what follows it as they are", () => {
    expect(applyCodes(PLAIN, "48:2::1:2:3;1")).toEqual({ ...PLAIN, bold: true });
  });
});

describe("hostile lines", () => {
  const CLASSES = new Set([
    ...["grey", "red", "green", "yellow", "blue", "magenta", "cyan"].map((name) => `ansi-${name}`),
    ...["bold", "dim", "italic", "underline"].map((name) => `ansi-${name}`),
  ]);
  const lines = [
    "\u001b[31;url(javascript:alert(1))m<script>alert(1)</script>",
    '\u001b[38;2;255;0;0"onmouseover="alert(1)mx',
    "\u001b]8;;javascript:alert(1)\u0007click\u001b]8;;\u0007",
    "\u001b[999999999999999999999999;-1;1e9;NaN;38;5;99999;38;2;9e9;-5mx",
    "\u001b[38;2;256;999;-1m\u001b[38;5;256m\u001b[58:2::1:2:3mx",
    "\u001b[" + "1;".repeat(10_000) + "mx",
    "\u001b[31m".repeat(10_000) + "x",
    "\u001b[\u001b[31mx\u001b",
    "\u009b31mx\u0000\u0008\u007f",
    "&lt;b&gt; {{7*7}} ${7*7}",
  ];

  it.each(lines)("become text and known classes only: %j", (line) => {
    const { pieces } = parseAnsi(line);
    expect(pieces.length).toBeLessThan(5);
    for (const piece of pieces) {
      for (const name of piece.classes.split(" ").filter(Boolean)) expect(CLASSES.has(name)).toBe(true);
      // eslint-disable-next-line no-control-regex
      expect(piece.text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    }
  });

  it("stay so for ten thousand random mixtures", () => {
    const parts = ["\u001b[", "m", ";", ":", "38", "48", "5", "2", "255", "<b>", "\"", "'", "\u001b", "\u009b", "0", "x y"];
    let seed = 7;
    const random = (): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31);
    for (let i = 0; i < 10_000; i++) {
      const line = Array.from({ length: 12 }, () => parts[random() % parts.length] ?? "").join("");
      const { pieces, end } = parseAnsi(line);
      const names = pieces.flatMap((piece) => piece.classes.split(" ").filter(Boolean));
      expect(names.every((name) => CLASSES.has(name))).toBe(true);
      expect(Object.keys(end).sort()).toEqual(Object.keys(PLAIN).sort());
    }
  });
});

describe("nearest", () => {
  it("finds the hue", () => {
    expect(nearest(250, 240, 20)).toBe("yellow");
    expect(nearest(20, 20, 240)).toBe("blue");
    expect(nearest(255, 255, 255)).toBe("plain");
  });
});
