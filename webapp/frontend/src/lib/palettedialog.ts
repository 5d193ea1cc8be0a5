/** The command palette itself, loaded when it is first opened: a dialog with a combobox (ARIA 1.2) that has a list. */

import "../styles/palette.css";

import { choose, chosen } from "./appearance";
import { el, find } from "./dom";
import { plural, t } from "./i18n";
import { icon } from "./icons";
import { type Command, type Group, registeredCommands, searchAddress, setSlash, slashOpens } from "./palette";
import { moved, recentAfter, recentOf, type Section, sections } from "./palettematch";
import { type Found, type Hit, type Piece, Search } from "./palettesearch";

const RECENT = "rz:palette:recent";
const ICONS: Record<Group, string> = {
  here: "zap", action: "arrow-right", page: "arrow-right", lesson: "book", exercise: "code", setting: "settings",
};

interface Option {
  element: HTMLElement;
  act: () => void;
}

class Palette {
  private readonly input = el("input", {
    class: "palette-input", type: "text", role: "combobox", "aria-autocomplete": "list", "aria-controls": "palette-list",
    "aria-expanded": "false", "aria-label": t("Search, or name a page or an action"), placeholder: t("Search or go to…"),
    autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: "200", enterkeyhint: "go",
  });
  private readonly list = el("div", { id: "palette-list", class: "palette-list", role: "listbox", "aria-label": t("Results") });
  private readonly none = el("p", { class: "palette-none" });
  private readonly status = el("p", { class: "visually-hidden", role: "status" });
  private readonly dialog = el("dialog", { class: "palette", "aria-label": t("Search and commands") });
  private readonly search = new Search(searchAddress(), (found) => this.answered(found));
  private offered: Command[] = [];
  private found: Found | null = null;
  private asking = false;
  private failed = false;
  private options: Option[] = [];
  private active = 0;

  constructor() {
    const close = el("button", { class: "palette-close", type: "button", "aria-label": t("Close") }, icon("close"));
    close.addEventListener("click", () => this.dialog.close());
    const help = el("p", { class: "palette-help" }, t("Arrow keys choose, Enter opens, Escape closes."));
    this.dialog.append(el("div", { class: "palette-field" }, icon("search"), this.input, close), this.list, this.none, this.status, help);
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("close", () => this.search.stop());
    document.body.append(this.dialog);
  }

  open(typed: string): void {
    if (this.dialog.open) return this.dialog.close(); // the same key again
    if (this.offered.length === 0) void this.load();
    this.input.value = typed;
    this.dialog.showModal();
    this.input.focus();
    this.typed();
  }

  /** Commands of the site; pages can be searched without them, and the next opening asks again. */
  private async load(): Promise<void> {
    const response = await fetch(`${searchAddress()}commands/`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!response?.ok) return;
    this.offered = ((await response.json()) as { commands: Command[] }).commands;
    this.draw();
  }

  private typed(): void {
    this.active = 0;
    this.found = null;
    this.failed = false;
    this.asking = this.search.type(this.input.value);
    this.draw();
  }

  private answered(found: Found | null): void {
    this.asking = false;
    this.found = found;
    this.failed = found === null;
    this.draw();
  }

  private draw(): void {
    this.options = [];
    const query = this.input.value.trim();
    const commands = [...registeredCommands(), ...this.offered, ...appearance()];
    const shown = sections(commands, query, recentOf(kept()));
    this.list.replaceChildren(...shown.map((section) => this.section(section)), ...this.hits(shown, query));
    const empty = this.options.length === 0;
    this.list.hidden = empty;
    this.none.hidden = !empty;
    this.none.textContent = this.nothing();
    this.input.setAttribute("aria-expanded", String(!empty));
    if (!this.asking) this.status.textContent = plural("{n} result", "{n} results", this.options.length);
    this.activate(Math.min(this.active, this.options.length - 1));
  }

  private nothing(): string {
    if (this.asking) return t("Searching…");
    if (this.failed) return t("The site cannot be reached. Check the connection, then type on.");
    return t("Nothing found. Try fewer letters: the beginning of a word is enough.");
  }

  private section(section: Section): HTMLElement {
    return this.group(heading(section.group), section.commands.map((command) => this.command(command)));
  }

  private group(name: string, options: HTMLElement[]): HTMLElement {
    const label = el("p", { class: "palette-group", "aria-hidden": "true" }, name);
    return el("div", { role: "group", "aria-label": name }, label, ...options);
  }

  private command(command: Command): HTMLElement {
    const line = el("span", { class: "palette-title" }, command.title);
    const note = command.note ? [el("span", { class: "palette-note" }, command.note)] : [];
    return this.option(command.icon || ICONS[command.group], [line, ...note], () => {
      remember(command.id);
      perform(command);
    });
  }

  /** Found places that are not among the commands already, and the way to all of them. */
  private hits(shown: Section[], query: string): HTMLElement[] {
    if (this.found === null || this.found.total === 0) return [];
    const there = new Set(shown.flatMap((section) => section.commands.map((command) => command.url)));
    const places = this.found.hits.filter((hit) => !there.has(hit.url)).map((hit) => this.hit(hit));
    const title = plural("Show {n} result on its own page", "Show all {n} results", this.found.total);
    const link = this.option("search", [el("span", { class: "palette-title" }, title)], () => showAll(query));
    return [this.group(t("In the texts"), [...places, link])];
  }

  private hit(hit: Hit): HTMLElement {
    const whole = hit.heading.length === 0;
    const title = el("span", { class: "palette-title" }, ...marked(whole ? hit.title : hit.heading));
    const note = el("span", { class: "palette-note" }, ...(whole ? [hit.kind] : marked(hit.title)));
    const text = el("span", { class: "palette-text" }, ...marked(hit.text));
    return this.option("file", [title, note, text], () => location.assign(hit.url));
  }

  private option(name: string, parts: Node[], act: () => void): HTMLElement {
    const place = this.options.length;
    const body = el("span", { class: "palette-body" }, ...parts);
    const element = el("div", { id: `palette-option-${place}`, class: "palette-option", role: "option", "aria-selected": "false" }, icon(name), body);
    element.addEventListener("click", () => this.perform(place));
    element.addEventListener("pointermove", () => this.active !== place && this.activate(place));
    this.options.push({ element, act });
    return element;
  }

  private activate(place: number): void {
    this.active = Math.max(place, 0);
    for (const [index, option] of this.options.entries()) option.element.setAttribute("aria-selected", String(index === place));
    const now = this.options[place]?.element;
    if (now === undefined) return this.input.removeAttribute("aria-activedescendant");
    this.input.setAttribute("aria-activedescendant", now.id);
    now.scrollIntoView({ block: "nearest" });
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.activate(moved(this.active, event.key, this.options.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.perform(this.active);
    }
  }

  private perform(place: number): void {
    const option = this.options[place];
    const query = this.input.value.trim();
    if (option === undefined) return query ? showAll(query) : undefined;
    this.dialog.close(); // focus returns first: what is performed may move it
    option.act();
  }
}

function showAll(query: string): void {
  location.assign(`${searchAddress()}?${new URLSearchParams({ q: query }).toString()}`);
}

function heading(group: Section["group"]): string {
  const names: Record<Section["group"], string> = {
    recent: t("Recent"),
    here: t("On this page"),
    action: t("Actions"),
    page: t("Pages"),
    lesson: t("Lessons"),
    exercise: t("Exercises"),
    setting: t("Settings"),
  };
  return names[group];
}

function marked(pieces: Piece[]): (Node | string)[] {
  return pieces.map(([text, mark]) => (mark ? el("mark", {}, text) : text));
}

function appearance(): Command[] {
  const dark = document.documentElement.dataset["themeNow"] === "dark";
  const more = chosen("contrast") === "more";
  const slash = slashOpens();
  const setting = { group: "setting" as const };
  return [
    { ...setting, id: "theme", icon: dark ? "sun" : "moon", words: t("theme colours light dark"),
      title: dark ? t("Use the light theme") : t("Use the dark theme"), run: () => choose("theme", dark ? "light" : "dark") },
    { ...setting, id: "contrast", icon: "circle-half", words: t("theme colours"),
      title: more ? t("Use the usual contrast") : t("Use high contrast"), run: () => choose("contrast", more ? "system" : "more") },
    { ...setting, id: "slash", icon: "keyboard", words: t("shortcut keys"),
      title: slash ? t("Do not open this with the key /") : t("Open this with the key /"), run: () => setSlash(!slash) },
  ];
}

function perform(command: Command): void {
  if (command.run) command.run();
  else if (command.method === "post") send(command.url ?? "");
  else location.assign(command.url ?? "");
}

/** As a form of the page would, with its token. */
function send(url: string): void {
  const token = find<HTMLInputElement>("input[name=csrfmiddlewaretoken]")?.value ?? "";
  const form = el("form", { method: "post", action: url, hidden: "" });
  form.append(el("input", { type: "hidden", name: "csrfmiddlewaretoken", value: token }));
  document.body.append(form);
  form.submit();
}

function kept(): string | null {
  try {
    return localStorage.getItem(RECENT);
  } catch {
    return null;
  }
}

function remember(id: string): void {
  try {
    localStorage.setItem(RECENT, JSON.stringify(recentAfter(kept(), id)));
  } catch {
    return; // storage is switched off: nothing is recent
  }
}

let palette: Palette | null = null;

/** `typed` is what was typed while this file was on its way. */
export function openPalette(typed: string): void {
  palette ??= new Palette();
  palette.open(typed);
}
