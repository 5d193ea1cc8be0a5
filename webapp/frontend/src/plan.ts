import "./styles/learning.css";

import { find } from "./lib/dom";
import { t } from "./lib/i18n";

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

// A form that nobody has filled in yet has the site's time zone; the browser knows the learner's.
const zone = find<HTMLInputElement>("[data-fresh]");
if (zone !== null) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;

const [copy, feed] = [find<HTMLButtonElement>("[data-copy-feed]"), find<HTMLInputElement>("[data-feed]")];
if (copy !== null && feed !== null) copyFeed(copy, feed);
