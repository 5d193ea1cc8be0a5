import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

import { contrast, parseColour, type Rgb } from "../src/lib/contrast";
import { GRAPHICS, TEXT } from "../src/lib/tokens";

const css = readFileSync(fileURLToPath(new URL("../src/styles/tokens.css", import.meta.url)), "utf8");
const declared = new Map([...css.matchAll(/^ {2}--([a-z0-9-]+): ([^;]+);$/gm)].map((found) => [found[1], found[2] ?? ""]));
type Contrast = "std" | "more";
type Theme = "light" | "dark";

/** What a browser would compute: the half for this contrast, of it the half for this theme. */
function colour(name: string, theme: Theme, level: Contrast): Rgb {
  const value = declared.get(name);
  if (value === undefined) throw new Error(`tokens.css has no --${name}`);
  const alias = /^var\(--([a-z0-9-]+)\)$/.exec(value);
  if (alias) return colour(alias[1] ?? "", theme, level);
  const halves = /^var\(--std, (.+?)\) var\(--more, (.+)\)$/.exec(value);
  const half = (level === "std" ? halves?.[1] : halves?.[2]) ?? value;
  const both = /^light-dark\((#\w+), (#\w+)\)$/.exec(half);
  const parsed = parseColour((theme === "light" ? both?.[1] : both?.[2]) ?? half);
  if (parsed === null) throw new Error(`--${name} is no plain colour: ${half}`);
  return parsed;
}

const LEVELS: [Contrast, number, number][] = [["std", 4.5, 3], ["more", 7, 4.5]];

describe.each(["light", "dark"] as const)("%s", (theme) => {
  test.each(LEVELS)("%s: words reach %d to 1, shapes %d to 1", (level, words, shapes) => {
    const short = (pairs: [string, string][], wanted: number): string[] =>
      pairs
        .map(([ink, ground]) => [ink, ground, contrast(colour(ink, theme, level), colour(ground, theme, level))] as const)
        .filter(([, , ratio]) => ratio < wanted)
        .map(([ink, ground, ratio]) => `${ink} on ${ground}: ${ratio.toFixed(2)}`);
    expect([...short(TEXT, words), ...short(GRAPHICS, shapes)]).toEqual([]);
  });
});

test("the arithmetic is WCAG's", () => {
  const black = parseColour("#000000") as Rgb;
  expect(contrast(black, parseColour("rgb(255, 255, 255)") as Rgb)).toBeCloseTo(21, 5);
  expect(contrast(parseColour("#777777") as Rgb, parseColour("#ffffff") as Rgb)).toBeCloseTo(4.478, 3);
  expect(parseColour("rgb(0 0 0 / 50%)")).toBeNull();
});
