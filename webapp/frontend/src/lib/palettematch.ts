/** Which commands fit what was typed, and in which order. Nothing here touches the page. */

import type { Command, Group } from "./palette";

export interface Section {
  group: Group | "recent";
  commands: Command[];
}

const LIMITS: Record<Group, number> = { here: 6, action: 4, page: 5, lesson: 5, exercise: 5, setting: 4 };
const AT_REST: Group[] = ["here", "action", "page", "lesson", "setting"];
const RECENT = 4;

export function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{Mn}/gu, "").toLowerCase();
}

export function words(text: string): string[] {
  return fold(text).match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** 0 when a word of the query is nowhere in the command. Beginnings of words count, titles most. */
export function score(command: Command, query: string): number {
  const asked = words(query);
  if (asked.length === 0) return 0;
  const title = words(command.title);
  const more = words(`${command.note ?? ""} ${command.words ?? ""}`);
  const each = asked.map((word): number => {
    const place = title.findIndex((one) => one.startsWith(word));
    if (place >= 0) return title[place] === word ? 5 : place === 0 ? 4 : 3;
    return more.some((one) => one.startsWith(word)) ? 1 : 0;
  });
  return each.every((one) => one > 0) ? each.reduce((sum, one) => sum + one, 0) / asked.length : 0;
}

/** The sections to show, the one with the best command first. Without a query: what was used last, and where one may go. */
export function sections(commands: Command[], query: string, recent: string[]): Section[] {
  if (words(query).length === 0) return atRest(commands, recent);
  const scored = commands
    .map((command, place) => ({ command, place, score: score(command, query) }))
    .filter((one) => one.score > 0)
    .sort((a, b) => b.score - a.score || a.place - b.place);
  const groups = [...new Set(scored.map((one) => one.command.group))];
  return groups.map((group) => ({
    group,
    commands: scored.filter((one) => one.command.group === group).slice(0, LIMITS[group]).map((one) => one.command),
  }));
}

function atRest(commands: Command[], recent: string[]): Section[] {
  const used = recent.map((id) => commands.find((one) => one.id === id)).filter((one) => one !== undefined);
  const last = used.slice(0, RECENT);
  const rest = AT_REST.map((group) => ({
    group,
    commands: commands.filter((one) => one.group === group && !last.includes(one)),
  }));
  return [{ group: "recent" as const, commands: last }, ...rest].filter((section) => section.commands.length > 0);
}

/** What was used last, first; as a browser may keep it, so anything else than a list of texts is no list. */
export function recentAfter(kept: string | null, id: string, most = 12): string[] {
  return [id, ...recentOf(kept).filter((other) => other !== id)].slice(0, most);
}

export function recentOf(kept: string | null): string[] {
  try {
    const list: unknown = JSON.parse(kept ?? "[]");
    return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

/** The option that is active after a key: they go round. -1 while there is none. */
export function moved(active: number, key: string, count: number): number {
  if (count === 0) return -1;
  if (key === "ArrowDown") return (active + 1) % count;
  return key === "ArrowUp" ? (active <= 0 ? count : active) - 1 : Math.min(active, count - 1);
}
