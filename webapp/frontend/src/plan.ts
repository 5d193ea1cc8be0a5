import "./styles/learning.css";

import { find } from "./lib/dom";
import { t } from "./lib/i18n";

/** The form begins with the site's time zone; the browser knows the learner's. What was typed is left alone. */
export function fillZone(input: HTMLInputElement, siteZone: string, zone: string): void {
  if (input.value === siteZone && zone !== "") input.value = zone;
}

function copyFeed(button: HTMLButtonElement, input: HTMLInputElement): void {
  const label = find<HTMLElement>("span", button);
  button.hidden = false;
  button.addEventListener("click", async () => {
    input.select();
    const done = await navigator.clipboard.writeText(input.value).then(
      () => true,
      () => false,
    );
    if (label !== null) label.textContent = done ? t("Copied") : t("Press Ctrl-C");
  });
}

const zone = find<HTMLInputElement>("[data-site-zone]");
if (zone !== null) fillZone(zone, zone.dataset["siteZone"] ?? "", Intl.DateTimeFormat().resolvedOptions().timeZone);
const [copy, feed] = [find<HTMLButtonElement>("[data-copy-feed]"), find<HTMLInputElement>("[data-feed]")];
if (copy !== null && feed !== null) copyFeed(copy, feed);
