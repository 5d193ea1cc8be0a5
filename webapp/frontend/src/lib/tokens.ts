/** Which tokens stand on which, for the style page and for the test: what is measured is what is used. */

const GROUNDS = ["paper", "surface", "sunken", "raised"];
const on = (inks: string[], grounds: string[]): [string, string][] =>
  inks.flatMap((ink) => grounds.map((ground): [string, string] => [ink, ground]));

/** Words: 4.5 to 1, under high contrast 7 to 1. */
export const TEXT: [string, string][] = [
  ...on(["ink", "ink-2", "ink-3", "accent", "pass", "fail", "warn", "gold"], GROUNDS),
  ...on(["ink", "ink-2"], ["accent-soft", "pass-soft", "fail-soft", "warn-soft"]),
  ["accent", "accent-soft"],
  ["pass", "pass-soft"],
  ["fail", "fail-soft"],
  ["warn", "warn-soft"],
  ["gold", "warn-soft"],
  ["on-accent", "accent-solid"],
  ["on-accent", "accent-solid-hover"],
  ["ink", "selection"],
  ...on(["syn-keyword", "syn-string", "syn-number", "syn-comment", "syn-name", "syn-type", "syn-error"], ["sunken", "surface"]),
  ...on(["ansi-red", "ansi-green", "ansi-yellow", "ansi-blue", "ansi-magenta", "ansi-cyan", "ansi-grey"], ["sunken", "surface"]),
];

/** Lines, marks and shapes that say something: 3 to 1, under high contrast 4.5 to 1. */
export const GRAPHICS: [string, string][] = [
  ...on(["line-strong", "accent-solid"], ["paper", "surface"]),
  ...on(["chart-1", "chart-2", "chart-3", "chart-4"], ["paper", "surface", "raised"]),
  ...on(["pass", "gold", "fail", "ink"], ["pass-zone", "gold-zone"]),
  ["accent", "track"],
];
