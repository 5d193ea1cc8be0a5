/** ANSI colours as data. The caller makes text nodes of the pieces, so a log can never become markup. */

export interface Style {
  colour: string | null; // a name of COLOURS
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
}

export interface Piece {
  text: string;
  classes: string;
}

export const PLAIN: Style = { colour: null, bold: false, dim: false, italic: false, underline: false };
const COLOURS = ["grey", "red", "green", "yellow", "blue", "magenta", "cyan", "plain"] as const;
// eslint-disable-next-line no-control-regex
const SEQUENCE = /\u001b\[([0-9;:]*)m/g;
const OTHER_CONTROLS = /\u001b(?:\[[0-?]*[ -/]*[@-~]|[@-_])?|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Pieces of one line, and the style that the next line starts with. */
export function parseAnsi(line: string, start: Style = PLAIN): { pieces: Piece[]; end: Style } {
  const pieces: Piece[] = [];
  let style = start;
  let from = 0;
  const push = (text: string): void => {
    const clean = text.replace(OTHER_CONTROLS, "");
    if (clean !== "") pieces.push({ text: clean, classes: classesOf(style) });
  };
  for (const match of line.matchAll(SEQUENCE)) {
    push(line.slice(from, match.index));
    style = applyCodes(style, match[1] ?? "");
    from = match.index + match[0].length;
  }
  push(line.slice(from));
  return { pieces, end: style };
}

export function applyCodes(style: Style, codes: string): Style {
  const parts = codes.split(";");
  const numbers = parts.map((part) => Number.parseInt(part || "0", 10));
  let next = { ...style };
  for (let i = 0; i < numbers.length; i++) {
    const code = numbers[i] ?? 0;
    if (parts[i]?.includes(":")) {
      next = applyColons(next, parts[i] ?? "");
    } else if (code === 38 || code === 48) {
      const { colour, used } = extended(numbers.slice(i + 1));
      if (code === 38) next.colour = colour;
      i += used;
    } else {
      next = applyCode(next, code);
    }
  }
  return next;
}

/** One code with its own values: 4:3 (a curly underline), 38:5:n, 38:2:r:g:b and 38:2:space:r:g:b. */
function applyColons(style: Style, part: string): Style {
  const [code = 0, ...values] = part.split(":").map((value) => Number(value || "0"));
  if (code === 4) return { ...style, underline: values[0] !== 0 };
  if (code !== 38) return style;
  if (values[0] === 2 && values.length > 4) values.splice(1, 1);
  return { ...style, colour: extended(values).colour };
}

function applyCode(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 3) return { ...style, italic: true };
  if (code === 4) return { ...style, underline: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 23) return { ...style, italic: false };
  if (code === 24) return { ...style, underline: false };
  if (code === 39) return { ...style, colour: null };
  if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) return { ...style, colour: COLOURS[code % 10] ?? null };
  return style; // backgrounds, blinking and what we do not know: readable without
}

/** 38;5;n and 38;2;r;g;b, brought to the eight colours that hold contrast in both themes. */
function extended(rest: number[]): { colour: string | null; used: number } {
  if (rest[0] === 2) return { colour: nearest(rest[1] ?? 0, rest[2] ?? 0, rest[3] ?? 0), used: 4 };
  if (rest[0] !== 5) return { colour: null, used: rest.length };
  const n = rest[1] ?? 0;
  if (n < 16) return { colour: COLOURS[n % 8] ?? null, used: 2 };
  if (n > 231) return { colour: n < 244 ? "grey" : "plain", used: 2 };
  const cube = n - 16;
  return { colour: nearest(Math.floor(cube / 36) * 51, (Math.floor(cube / 6) % 6) * 51, (cube % 6) * 51), used: 2 };
}

export function nearest(r: number, g: number, b: number): string {
  const high = Math.max(r, g, b);
  const low = Math.min(r, g, b);
  if (high - low < 40) return high < 150 ? "grey" : "plain";
  const bit = (value: number): boolean => value - low > (high - low) / 2;
  return COLOURS[(bit(r) ? 1 : 0) + (bit(g) ? 2 : 0) + (bit(b) ? 4 : 0)] ?? "plain";
}

function classesOf(style: Style): string {
  const names: string[] = [];
  if (style.colour !== null && style.colour !== "plain") names.push(`ansi-${style.colour}`);
  for (const name of ["bold", "dim", "italic", "underline"] as const) if (style[name]) names.push(`ansi-${name}`);
  return names.join(" ");
}
