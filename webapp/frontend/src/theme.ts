// Runs before the first paint, as a classic script: no imports, no exports. lib/appearance.ts speaks to it.
{
  type Kind = "theme" | "contrast";
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const strong = window.matchMedia("(prefers-contrast: more)");
  const CHOICES: Record<Kind, readonly string[]> = { theme: ["light", "dark"], contrast: ["more"] };

  // What the account says, or this browser remembers; what neither knows is left to the system.
  const chosen: Record<Kind, string> = { theme: "", contrast: "" };
  const choose = (kind: Kind, value: string | null | undefined): void => {
    chosen[kind] = value && CHOICES[kind].includes(value) ? value : "";
  };
  const recall = (kind: Kind): void => {
    try {
      choose(kind, localStorage.getItem(`rz:${kind}`));
    } catch {
      return; // storage is switched off: the choice lasts as long as the page
    }
  };
  const remember = (kind: Kind): void => {
    try {
      localStorage.setItem(`rz:${kind}`, chosen[kind]);
    } catch {
      return;
    }
  };

  const show = (kind: Kind, now: string): void => {
    if (chosen[kind]) root.dataset[kind] = chosen[kind];
    else delete root.dataset[kind];
    root.dataset[`${kind}Now`] = chosen[kind] || now;
  };
  const apply = (): void => {
    show("theme", dark.matches ? "dark" : "light");
    show("contrast", strong.matches ? "more" : "standard");
    document.dispatchEvent(new Event("rz:theme"));
  };

  root.classList.add("js");
  for (const kind of ["theme", "contrast"] as const) {
    if (root.dataset["account"] === undefined) recall(kind);
    else {
      choose(kind, root.dataset[kind]);
      remember(kind); // so that it stays when the person signs out
    }
  }
  apply();
  dark.addEventListener("change", apply);
  strong.addEventListener("change", apply);
  window.addEventListener("storage", (event) => {
    const kind = (["theme", "contrast"] as const).find((name) => event.key === `rz:${name}`);
    if (kind === undefined) return;
    recall(kind);
    apply();
  });
  document.addEventListener("rz:choose", (event) => {
    const { kind, value } = (event as CustomEvent<{ kind: Kind; value: string }>).detail;
    choose(kind, value);
    remember(kind);
    apply();
  });
}
