import "./styles/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/header.css";
import "./styles/components.css";
import "./styles/pages.css";
import "./styles/print.css";

import "./icons.svg?url"; // the sprite is part of every build; templates find it in the manifest

import { keepAppearance } from "./lib/account";
import { choose, chosen, type Kind } from "./lib/appearance";
import { all, find } from "./lib/dom";
import { mountPalette } from "./lib/palette";
import { localTimes } from "./lib/times";

const NOTICE_EVERY_MS = 5000;
const KINDS: Kind[] = ["theme", "contrast"];

/** The menu's choice of theme and contrast: applied at once, remembered here. */
function watchAppearance(form: HTMLFormElement): void {
  const show = (): void => {
    for (const kind of KINDS) {
      const input = find<HTMLInputElement>(`input[name="${kind}"][value="${chosen(kind)}"]`, form);
      if (input !== null) input.checked = true;
    }
  };
  show();
  document.addEventListener("rz:theme", show);
  form.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    choose(input.name as Kind, input.value);
  });
}

function closeMenus(): void {
  document.addEventListener("click", (event) => {
    for (const menu of all<HTMLDetailsElement>("details.menu[open]")) {
      if (!menu.contains(event.target as Node)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" ? find<HTMLDetailsElement>("details.menu[open]") : null;
    if (menu === null) return;
    menu.open = false;
    find<HTMLElement>("summary", menu)?.focus();
  });
}

/** While the lab installs, keep its notice fresh; when it is ready, the notice goes. */
function followLab(): void {
  const notice = find<HTMLElement>("[data-lab-notice]");
  if (notice === null) return;
  const look = async (): Promise<void> => {
    if (document.visibilityState === "visible") {
      const response = await fetch(notice.dataset["url"] ?? "/").catch(() => null);
      if (response?.ok) {
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        const fresh = find("[data-lab-notice]", page);
        if (fresh === null) return notice.remove();
        notice.replaceChildren(...fresh.childNodes);
      }
    }
    setTimeout(() => void look(), NOTICE_EVERY_MS);
  };
  setTimeout(() => void look(), NOTICE_EVERY_MS);
}

mountPalette();
all<HTMLFormElement>("form[data-appearance]").forEach(watchAppearance);
closeMenus();
localTimes();
keepAppearance();
followLab();
