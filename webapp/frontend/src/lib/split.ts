/** The border between task and editor: dragged, moved by the arrow keys, kept in this browser. */

export const LOW = 25;
export const HIGH = 70;
const STEP = 2;

/** Where a key moves the border to, in percent; null for a key that moves nothing. */
export function moved(key: string, at: number): number | null {
  const to: Record<string, number> = { ArrowLeft: at - STEP, ArrowRight: at + STEP, Home: LOW, End: HIGH, Enter: 50 };
  const found = to[key];
  return found === undefined ? null : clamp(found);
}

export function clamp(percent: number): number {
  return Math.round(Math.min(HIGH, Math.max(LOW, percent)) * 10) / 10;
}

export function splitter(grid: HTMLElement, bar: HTMLElement): void {
  const key = grid.dataset["splitKey"] ?? "";
  const place = (percent: number): void => {
    grid.style.setProperty("--split", `${percent}%`);
    bar.setAttribute("aria-valuenow", String(Math.round(percent)));
  };
  const at = (): number => Number(bar.getAttribute("aria-valuenow"));
  const kept = Number(read(key));
  if (kept >= LOW && kept <= HIGH) place(kept);
  bar.addEventListener("keydown", (event) => {
    const to = moved(event.key, at());
    if (to === null) return;
    event.preventDefault();
    place(to);
    write(key, to);
  });
  bar.addEventListener("pointerdown", (event) => {
    bar.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  bar.addEventListener("pointermove", (event) => {
    if (!bar.hasPointerCapture(event.pointerId)) return;
    const box = grid.getBoundingClientRect();
    place(clamp((100 * (event.clientX - box.left)) / box.width));
  });
  bar.addEventListener("pointerup", () => write(key, at()));
  bar.addEventListener("dblclick", () => {
    place(50);
    write(key, 50);
  });
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is switched off: the middle
  }
}

function write(key: string, percent: number): void {
  try {
    localStorage.setItem(key, String(percent));
  } catch {
    return; // for this page only
  }
}
