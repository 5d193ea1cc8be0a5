// Runs before the first paint, as a classic script: no imports, no exports.
{
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const stored = (): string | null => {
    try {
      return localStorage.getItem("rz:theme");
    } catch {
      return null; // storage is switched off: follow the system
    }
  };
  const apply = (): void => {
    const chosen = stored();
    if (chosen === "light" || chosen === "dark") root.dataset["theme"] = chosen;
    else delete root.dataset["theme"];
    root.dataset["themeNow"] = chosen === "light" || chosen === "dark" ? chosen : dark.matches ? "dark" : "light";
    document.dispatchEvent(new Event("rz:theme"));
  };
  root.classList.add("js");
  apply();
  dark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  document.addEventListener("rz:theme-toggle", () => {
    try {
      localStorage.setItem("rz:theme", root.dataset["themeNow"] === "dark" ? "light" : "dark");
    } catch {
      return; // nothing to remember it by
    }
    apply();
  });
}
