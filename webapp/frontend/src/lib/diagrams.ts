import mermaid from "mermaid";

import { all, el, showFragment } from "./dom";

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
  const text = el("details", { class: "diagram-text" }, el("summary", {}, "Diagram as text"), el("pre", {}, source));
  pre.replaceWith(el("figure", { class: "diagram" }, box, text));
  return { box, source };
}

async function drawOne(box: HTMLElement, source: string): Promise<void> {
  try {
    const { svg } = await mermaid.render(`diagram-${++drawn}`, source);
    showFragment(box, svg);
    box.querySelector("svg")?.setAttribute("role", "img");
    if (!source.includes("accTitle")) box.querySelector("svg")?.setAttribute("aria-label", "Diagram; its text follows");
  } catch {
    box.replaceChildren(el("p", { class: "muted" }, "This diagram could not be drawn; its text follows."));
  }
}

function options(): Parameters<typeof mermaid.initialize>[0] {
  const dark = document.documentElement.dataset["themeNow"] === "dark";
  const ink = dark ? "#ebe9e4" : "#16181d";
  const line = dark ? "#9297a2" : "#646974";
  return {
    startOnLoad: false,
    securityLevel: "strict",
    theme: "base",
    fontFamily: "Inter, Inter Fallback, sans-serif",
    themeVariables: {
      darkMode: dark,
      background: dark ? "#171a20" : "#ffffff",
      primaryColor: dark ? "#1d2443" : "#ebeefc",
      primaryBorderColor: dark ? "#9aabff" : "#2c43c4",
      secondaryColor: dark ? "#2f2410" : "#fbf0dc",
      tertiaryColor: dark ? "#0b0d10" : "#f4f2ed",
      primaryTextColor: ink,
      secondaryTextColor: ink,
      tertiaryTextColor: ink,
      textColor: ink,
      lineColor: line,
      edgeLabelBackground: dark ? "#171a20" : "#ffffff",
      fontSize: "15px",
    },
  };
}
