import { all, el, find } from "./dom";
import { t } from "./i18n";

const SHOWN_MS = 2000;

/** Every block of code gets a button that copies it. */
export function copyButtons(root: ParentNode): void {
  for (const pre of all<HTMLPreElement>("pre.highlight", root)) {
    const button = el("button", { type: "button", class: "button slim copy" }, t("Copy"));
    const box = el("div", { class: "code-block" });
    pre.replaceWith(box);
    box.append(pre, button);
    button.addEventListener("click", () => void copyFrom(pre.textContent, button));
  }
}

async function copyFrom(text: string, button: HTMLButtonElement): Promise<void> {
  button.textContent = (await copy(text)) ? t("Copied") : t("Select and press Ctrl-C");
  setTimeout(() => (button.textContent = t("Copy")), SHOWN_MS);
}

/** A click on a heading's link copies its address as well; the browser goes there as with any link. */
export function copyAnchors(root: ParentNode): void {
  for (const link of all<HTMLAnchorElement>("a.anchor", root)) {
    link.addEventListener("click", () => void copy(link.href).then((done) => done && say(link)));
  }
}

function say(link: HTMLAnchorElement): void {
  link.dataset["copied"] = "";
  setTimeout(() => delete link.dataset["copied"], SHOWN_MS);
  const status = find<HTMLElement>("[data-announce]");
  if (status) status.textContent = t("The link to this section was copied.");
}

/** False where the browser refuses. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
