/** The command palette's small part, on every page: its keys, its button, and what scripts of a page offer in it. */

import { all, find } from "./dom";

export type Group = "here" | "action" | "page" | "lesson" | "exercise" | "setting";

/** What the palette can do: run a function, or open an address. Commands of a page's script are in the group "here". */
export interface Command {
  id: string;
  title: string;
  group: Group;
  note?: string;
  icon?: string;
  words?: string; // more words that find it
  url?: string;
  method?: string; // "post": a form is sent there
  run?: () => void;
}

/** Asked each time the palette opens: a command that cannot be used now is null. */
export type Offer = () => Command | null;

const SLASH = "rz:palette:slash";
const offers = new Map<string, Offer>();

/** Offer a command while this page is open; the same id again replaces it. */
export function registerCommand(id: string, offer: Offer): void {
  offers.set(id, offer);
}

export function registeredCommands(): Command[] {
  return [...offers.values()].map((offer) => offer()).filter((command) => command !== null);
}

/** Where search is; its link stands in the header for pages without scripts. */
export function searchAddress(): string {
  return find<HTMLAnchorElement>("a.search-open")?.getAttribute("href") ?? "/search/";
}

/** A single letter as a shortcut gets in the way of speech input: it can be switched off (WCAG 2.1.4). */
export function slashOpens(): boolean {
  try {
    return localStorage.getItem(SLASH) !== "off";
  } catch {
    return true;
  }
}

export function setSlash(on: boolean): void {
  try {
    localStorage.setItem(SLASH, on ? "on" : "off");
  } catch {
    return; // nothing to remember it by
  }
}

function wantsPalette(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing || event.altKey || event.shiftKey) return false;
  if (event.ctrlKey || event.metaKey) return event.key.toLowerCase() === "k";
  return event.key === "/" && slashOpens() && !isTyping(event.target);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}

let opening = false;

/** Without the palette's file (a lost connection, say) the search page does. What is typed meanwhile is not lost. */
async function open(): Promise<void> {
  if (opening) return;
  opening = true;
  const typing = keepTyping();
  const loaded = await import("./palettedialog").catch(() => null);
  const typed = typing.stop();
  opening = false;
  if (loaded === null) location.assign(`${searchAddress()}?${new URLSearchParams({ q: typed }).toString()}`);
  else loaded.openPalette(typed);
}

function keepTyping(): { stop: () => string } {
  let typed = "";
  const keep = (event: KeyboardEvent): void => {
    if (event.key.length > 1 || event.ctrlKey || event.metaKey || event.altKey) return;
    typed += event.key;
    event.preventDefault();
    event.stopPropagation();
  };
  document.addEventListener("keydown", keep, { capture: true });
  return {
    stop: () => {
      document.removeEventListener("keydown", keep, { capture: true });
      return typed;
    },
  };
}

export function mountPalette(): void {
  for (const button of all<HTMLButtonElement>("[data-palette-open]")) button.addEventListener("click", () => void open());
  document.addEventListener("keydown", (event) => {
    if (!wantsPalette(event)) return;
    event.preventDefault();
    void open();
  });
}
