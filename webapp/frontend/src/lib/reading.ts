import { all } from "./dom";

/** Mark in the contents list where the reader is, and draw how far. */
export function watchReading(article: HTMLElement): void {
  const links = all<HTMLAnchorElement>("[data-toc] a[href^='#']");
  const headings = all<HTMLElement>("h2[id], h3[id]", article);
  let waiting = false;
  const update = (): void => {
    waiting = false;
    const here = currentHeading(headings.map((heading) => heading.getBoundingClientRect().top));
    const id = headings[here]?.id;
    for (const link of links) {
      if (id !== undefined && link.hash === `#${id}`) mark(link);
      else link.removeAttribute("aria-current");
    }
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

function mark(link: HTMLAnchorElement): void {
  if (link.hasAttribute("aria-current")) return;
  link.setAttribute("aria-current", "location");
  const list = link.closest<HTMLElement>(".toc-side");
  if (list === null) return;
  const [from, height] = [link.offsetTop - list.offsetTop, list.clientHeight];
  if (from < list.scrollTop + 40 || from > list.scrollTop + height - 60) list.scrollTop = from - height / 2;
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
