/** The reader's choice of theme and contrast. theme.ts applies and remembers it; a signed-in reader's account keeps it. */

export type Kind = "theme" | "contrast";
export const CHOICES = { theme: ["system", "light", "dark"], contrast: ["system", "more"] } as const;

/** "system" where nothing was chosen. */
export function chosen(kind: Kind): string {
  return document.documentElement.dataset[kind] ?? "system";
}

export function choose(kind: Kind, value: string): void {
  document.dispatchEvent(new CustomEvent("rz:choose", { detail: { kind, value } }));
  document.dispatchEvent(new CustomEvent("rz:chosen", { detail: { kind, value } }));
}
