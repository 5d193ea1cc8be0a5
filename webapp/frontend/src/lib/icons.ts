import sprite from "../icons.svg?url";

const SVG = "http://www.w3.org/2000/svg";

/** One drawing of the sprite, as the template tag `icon` makes it; decorative, so words stand beside it. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}
