import { all, find } from "./dom";
import { plural } from "./i18n";
import { Kept } from "./kept";

const LOOK_EVERY_MS = 1000;
const SEND_EVERY_MS = 15_000;
const MS_PER_WORD = 60; // a thousand words a minute: faster is scrolling

export interface Section {
  heading: HTMLElement;
  end: HTMLElement | null; // the next heading; null: the end of the text
  words: number;
}

interface Progress {
  read: string[];
  place: string;
}

/** Marks in the contents where the reader is, draws how far, and keeps which sections were read to their end. */
export function watchReading(article: HTMLElement, storageKey: string): void {
  const sections = sectionsOf(article);
  const contents = new Contents(sections.map(({ heading }) => heading.id));
  const form = find<HTMLFormElement>("[data-reading]");
  const keeper = form?.dataset["signedIn"] === "true" ? new AccountKeeper(form) : new BrowserKeeper(storageKey);
  const read = new Set([...contents.read(), ...keeper.known().read]);
  contents.mark(read);
  if (keeper instanceof BrowserKeeper) contents.offer(keeper.known().place);
  follow(article, sections, contents);
  const seen = new Map<string, number>();
  setInterval(() => {
    if (document.visibilityState !== "visible") return;
    if (notice(article, sections, seen, read)) contents.mark(read);
  }, LOOK_EVERY_MS);
  const report = (): void => keeper.keep({ read: [...read], place: contents.place });
  setInterval(report, SEND_EVERY_MS);
  addEventListener("pagehide", report);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && report());
}

export function sectionsOf(article: HTMLElement): Section[] {
  const headings = all<HTMLElement>("h2[id], h3[id]", article);
  return headings.map((heading, index) => {
    const end = headings[index + 1] ?? null;
    return { heading, end, words: wordsBetween(heading, end) };
  });
}

function wordsBetween(heading: HTMLElement, end: HTMLElement | null): number {
  let words = 0;
  for (let next = heading.nextElementSibling; next !== null && next !== end; next = next.nextElementSibling) {
    words += next.textContent.split(/\s+/).length;
  }
  return words;
}

/** How long a section has to be on the screen before it counts as read: at least one second, at most twenty. */
export function timeToRead(words: number): number {
  return Math.min(20_000, Math.max(1000, words * MS_PER_WORD));
}

/** Adds a second to what is on the screen; true when a section has now been read: long enough, and its end was reached. */
function notice(article: HTMLElement, sections: Section[], seen: Map<string, number>, read: Set<string>): boolean {
  const bottom = article.getBoundingClientRect().bottom;
  let changed = false;
  for (const { heading, end, words } of sections) {
    if (read.has(heading.id)) continue;
    const [from, to] = [heading.getBoundingClientRect().top, end?.getBoundingClientRect().top ?? bottom];
    if (to < 0 || from > innerHeight) continue;
    const time = (seen.get(heading.id) ?? 0) + LOOK_EVERY_MS;
    seen.set(heading.id, time);
    if (to > innerHeight || time < timeToRead(words)) continue;
    read.add(heading.id);
    changed = true;
  }
  return changed;
}

function follow(article: HTMLElement, sections: Section[], contents: Contents): void {
  let waiting = false;
  const update = (): void => {
    waiting = false;
    const here = currentHeading(sections.map(({ heading }) => heading.getBoundingClientRect().top));
    contents.point(sections[here]?.heading.id ?? "");
    const box = article.getBoundingClientRect();
    document.documentElement.style.setProperty("--read", String(readShare(box.top, box.height, innerHeight)));
  };
  const soon = (): void => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(update);
  };
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon);
  update();
}

/** The lists of contents beside and above the text, and what the head says of reading. */
class Contents {
  place = "";
  private readonly links = all<HTMLAnchorElement>("[data-toc] a[href^='#']");

  constructor(private readonly headings: string[]) {}

  read(): string[] {
    return this.links.filter((link) => "read" in link.dataset).map((link) => link.hash.slice(1));
  }

  point(id: string): void {
    this.place = id;
    for (const link of this.links) {
      if (id !== "" && link.hash === `#${id}`) markHere(link);
      else link.removeAttribute("aria-current");
    }
  }

  mark(read: Set<string>): void {
    for (const link of this.links) {
      if (!read.has(link.hash.slice(1))) continue;
      link.dataset["read"] = "";
      const word = find<HTMLElement>("[data-read-word]", link);
      if (word) word.hidden = false;
    }
    const text = find<HTMLElement>("[data-reading-text]");
    const n = this.headings.filter((id) => read.has(id)).length;
    if (text === null || n === 0) return;
    const total = this.headings.length;
    text.textContent = plural("{n} of {total} sections read", "{n} of {total} sections read", n, { total });
    text.hidden = false;
  }

  /** "You were here", for a visitor: the server does not know. */
  offer(place: string): void {
    const target = this.headings.indexOf(place) > 0 ? document.getElementById(place) : null;
    const [box, link] = [find<HTMLElement>("[data-resume]"), find<HTMLAnchorElement>("[data-resume-link]")];
    if (target === null || box === null || link === null) return;
    link.href = `#${place}`;
    link.textContent = target.textContent;
    box.hidden = false;
  }
}

function markHere(link: HTMLAnchorElement): void {
  if (link.hasAttribute("aria-current")) return;
  link.setAttribute("aria-current", "location");
  const list = link.closest<HTMLElement>(".toc-side");
  if (list === null) return;
  const [from, height] = [link.offsetTop - list.offsetTop, list.clientHeight];
  if (from < list.scrollTop + 40 || from > list.scrollTop + height - 60) list.scrollTop = from - height / 2;
}

interface Keeper {
  known: () => Progress;
  keep: (progress: Progress) => void;
}

class BrowserKeeper implements Keeper {
  private readonly kept: Kept<Progress>;

  constructor(storageKey: string) {
    this.kept = new Kept(`${storageKey}:reading`);
  }

  known(): Progress {
    const found = this.kept.load();
    return { read: Array.isArray(found?.read) ? found.read : [], place: String(found?.place ?? "") };
  }

  keep({ read, place }: Progress): void {
    if (place !== "") this.kept.save({ read, place });
  }
}

/** Sends what is new, as a beacon: it arrives also when the page is being left. What did not arrive goes with the next. */
class AccountKeeper implements Keeper {
  private sent = "";

  constructor(private readonly form: HTMLFormElement) {}

  known(): Progress {
    return { read: [], place: "" }; // the page shows it already
  }

  keep(progress: Progress): void {
    const state = JSON.stringify(progress);
    if (state === this.sent || progress.place === "") return;
    const body = new URLSearchParams({ place: progress.place });
    body.set("csrfmiddlewaretoken", String(new FormData(this.form).get("csrfmiddlewaretoken")));
    for (const id of progress.read) body.append("section", id);
    if (navigator.sendBeacon(this.form.action, body)) this.sent = state;
  }
}

/** The last heading at or above the reading line, 140 px from the top; -1 before the first. */
export function currentHeading(tops: number[], line = 140): number {
  return tops.findLastIndex((top) => top <= line);
}

/** How much of a text of `height`, whose top edge is at `top`, has passed the window's lower edge: 0 to 1. */
export function readShare(top: number, height: number, windowHeight: number): number {
  if (height <= windowHeight) return 1;
  return Math.min(1, Math.max(0, -top / (height - windowHeight)));
}
