import { all } from "./dom";

/** Tabs as the ARIA practices describe them: arrow keys move, one panel is shown. */
export class Tabs {
  private readonly tabs: HTMLButtonElement[];

  constructor(
    list: HTMLElement,
    private readonly shown: (panel: HTMLElement) => void,
  ) {
    this.tabs = all<HTMLButtonElement>("[role=tab]", list);
    for (const tab of this.tabs) tab.addEventListener("click", () => this.select(tab));
    list.addEventListener("keydown", (event) => this.key(event));
  }

  /** Show the panel with this id. */
  open(panel: string): void {
    const tab = this.tabs.find((one) => one.getAttribute("aria-controls") === panel);
    if (tab) this.select(tab);
  }

  private select(chosen: HTMLButtonElement): void {
    for (const tab of this.tabs) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute("aria-controls") ?? "");
      panel?.classList.toggle("shown", on);
      if (on && panel) this.shown(panel);
    }
  }

  private key(event: KeyboardEvent): void {
    const here = this.tabs.indexOf(document.activeElement as HTMLButtonElement);
    const steps: Record<string, number> = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: -1 };
    const next = steps[event.key];
    if (here < 0 || next === undefined) return;
    event.preventDefault();
    const tab = this.tabs.at(next % this.tabs.length);
    if (!tab) return;
    this.select(tab);
    tab.focus();
  }
}
