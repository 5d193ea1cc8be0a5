import mermaid from "mermaid";

import { drawing, showDrawn } from "./cssom";
import { all, el } from "./dom";
import { t } from "./i18n";

let drawn = 0;

/** Draw every diagram in the page's colours, and again when the theme changes. */
export async function drawDiagrams(): Promise<void> {
  const places = all<HTMLElement>("pre.mermaid").map(prepare);
  const draw = async (): Promise<void> => {
    mermaid.initialize(options());
    for (const place of places) await drawOne(place.box, place.source);
  };
  await draw();
  document.addEventListener("rz:theme", () => void draw());
}

/** Beside each drawing stays its source, for those who cannot see it. */
function prepare(pre: HTMLElement): { box: HTMLElement; source: string } {
  const source = pre.textContent;
  const box = el("div", { class: "mermaid" });
  const text = el("details", { class: "diagram-text" }, el("summary", {}, t("Diagram as text")), el("pre", {}, source));
  pre.replaceWith(el("figure", { class: "diagram" }, box, text));
  return { box, source };
}

async function drawOne(box: HTMLElement, source: string): Promise<void> {
  try {
    const { svg } = await drawing(() => mermaid.render(`diagram-${++drawn}`, source));
    showDrawn(box, svg);
    box.querySelector("svg")?.setAttribute("role", "img");
    if (!source.includes("accTitle")) box.querySelector("svg")?.setAttribute("aria-label", t("Diagram; its text follows"));
  } catch {
    box.replaceChildren(el("p", { class: "muted" }, t("This diagram could not be drawn; its text follows.")));
  }
}

/** The page's own colours, as the browser computes them for this theme and contrast. */
function colours(): (token: string) => string {
  const probe = el("span", { hidden: "" });
  document.body.append(probe);
  const style = getComputedStyle(probe);
  queueMicrotask(() => probe.remove());
  return (token) => {
    probe.style.color = `var(--${token})`;
    return style.color;
  };
}

function options(): Parameters<typeof mermaid.initialize>[0] {
  const colour = colours();
  const ink = colour("ink");
  return {
    startOnLoad: false,
    securityLevel: "strict",
    theme: "base",
    fontFamily: "Inter, Inter Fallback, sans-serif",
    themeVariables: {
      darkMode: document.documentElement.dataset["themeNow"] === "dark",
      background: colour("surface"),
      primaryColor: colour("accent-soft"),
      primaryBorderColor: colour("accent"),
      secondaryColor: colour("warn-soft"),
      tertiaryColor: colour("sunken"),
      primaryTextColor: ink,
      secondaryTextColor: ink,
      tertiaryTextColor: ink,
      textColor: ink,
      lineColor: colour("ink-3"),
      edgeLabelBackground: colour("surface"),
      fontSize: "15px",
    },
  };
}
