import "./styles/account.css";

import { all, find } from "./lib/dom";
import { t } from "./lib/i18n";

/** The one moment in which a token or an invitation can be copied. */
for (const secret of all<HTMLElement>(".secret")) {
  const input = find<HTMLInputElement>("[data-secret]", secret);
  const button = find<HTMLButtonElement>("[data-copy-secret]", secret);
  input?.addEventListener("focus", () => input.select());
  button?.addEventListener("click", () => {
    const said = find<HTMLElement>("span", button);
    navigator.clipboard.writeText(input?.value ?? "").then(
      () => said?.replaceChildren(t("Copied")),
      () => input?.focus(), // not allowed here: it is selected, so that the keyboard can copy it
    );
  });
}
