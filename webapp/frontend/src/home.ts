import "./styles/home.css";

import { all, find, need } from "./lib/dom";
import { edgePath, type Point } from "./lib/map";

/** Draws the skill map's edges between the nodes, wherever the layout has put them. */
function drawEdges(map: HTMLElement): void {
  const svg = need<SVGSVGElement>("svg[data-edges]", map);
  const frame = map.getBoundingClientRect();
  const vertical = getComputedStyle(map).getPropertyValue("--map-direction").trim() === "vertical";
  const dots = new Map<string, Point>();
  for (const dot of all<HTMLElement>("[data-dot]", map)) {
    const box = dot.getBoundingClientRect();
    dots.set(dot.dataset["dot"] ?? "", {
      x: box.left - frame.left + box.width / 2,
      y: box.top - frame.top + box.height / 2,
    });
  }
  svg.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
  for (const path of all<SVGPathElement>("path[data-from]", svg)) {
    const from = dots.get(path.dataset["from"] ?? "");
    const to = dots.get(path.dataset["to"] ?? "");
    if (from && to) path.setAttribute("d", edgePath(from, to, vertical));
  }
}

const map = find<HTMLElement>("[data-map]");
if (map !== null) new ResizeObserver(() => drawEdges(map)).observe(map);
