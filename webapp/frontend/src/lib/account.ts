/** What the menu changes for a signed-in reader is kept in the account as well. */

import { find } from "./dom";

export function keepAppearance(): void {
  const token = find<HTMLInputElement>("form[action$='/accounts/logout/'] input[name='csrfmiddlewaretoken']");
  if (token === null || document.documentElement.dataset["account"] === undefined) return;
  document.addEventListener("rz:chosen", (event) => {
    const { kind, value } = (event as CustomEvent<{ kind: string; value: string }>).detail;
    const body = new URLSearchParams({ csrfmiddlewaretoken: token.value, [kind]: value });
    // Lost with the connection: the browser remembers it all the same, and the next choice is sent again.
    void fetch("/accounts/appearance/", { method: "POST", body, keepalive: true }).catch(() => null);
  });
}
