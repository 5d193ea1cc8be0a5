import "./styles/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/components.css";
import "./styles/pages.css";

import "./icons.svg?url"; // the sprite is part of every build; templates find it in the manifest

import { all, find } from "./lib/dom";
import { localTimes } from "./lib/times";

const NOTICE_EVERY_MS = 5000;

function themeToggle(): void {
  const button = find<HTMLButtonElement>(".theme-toggle");
  button?.addEventListener("click", () => document.dispatchEvent(new Event("rz:theme-toggle")));
  const name = (): void => {
    const dark = document.documentElement.dataset["themeNow"] === "dark";
    button?.setAttribute("aria-label", dark ? "Use the light theme" : "Use the dark theme");
  };
  name();
  document.addEventListener("rz:theme", name);
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

themeToggle();
closeMenus();
localTimes();
followLab();
