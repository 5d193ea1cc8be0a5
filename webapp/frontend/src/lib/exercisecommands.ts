/** What the command palette offers on an exercise's page: its own buttons, while they can be pressed. */

import { find } from "./dom";
import { t } from "./i18n";
import { registerCommand } from "./palette";

export function offerExercise(): void {
  offer("try", 'button[data-role="try"]', "play", () => t("Try: a quick run that costs nothing"));
  offer("submit", 'button[data-role="submit"]', "send", () => t("Submit for grading"));
  offer("keys", "[data-keys-open]", "keyboard", () => t("Show keyboard shortcuts"));
}

function offer(id: string, selector: string, icon: string, title: () => string): void {
  registerCommand(id, () => {
    const button = find<HTMLButtonElement>(`${selector}:not(:disabled)`);
    return button && { id, group: "here", icon, title: title(), run: () => button.click() };
  });
}
