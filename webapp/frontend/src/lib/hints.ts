import { all } from "./dom";

/** How many hints of a run were opened, so that they are open again when its panel is drawn anew. */

const KEY = "rz:hints";
const RUNS = 50;

type Opened = Record<string, number>;

function read(): Opened {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Opened;
  } catch {
    return {};
  }
}

/** The record with this run's count as its newest; the oldest runs go. */
export function withRun(opened: Opened, run: string, count: number): Opened {
  const others = Object.entries(opened).filter(([key]) => key !== run);
  return Object.fromEntries([...others, [run, count] as const].slice(-RUNS));
}

export function openHints(root: ParentNode): void {
  const opened = read();
  for (const box of all<HTMLElement>("[data-hints]", root)) {
    const run = box.dataset["hints"] ?? "";
    const hints = all<HTMLDetailsElement>("details.hint", box);
    for (const hint of hints.slice(0, opened[run] ?? 0)) hint.open = true;
    for (const hint of hints) hint.addEventListener("toggle", () => remember(run, hints));
  }
}

function remember(run: string, hints: HTMLDetailsElement[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(withRun(read(), run, hints.filter((hint) => hint.open).length)));
  } catch {
    return; // they are closed again after a reload
  }
}
