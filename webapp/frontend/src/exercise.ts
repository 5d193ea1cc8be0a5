import "./styles/ansi.css";
import "./styles/editor.css";
import "./styles/exercise.css";

import { copyButtons } from "./lib/copy";
import { all, find } from "./lib/dom";
import { offerExercise } from "./lib/exercisecommands";
import { RunLive } from "./lib/run";
import { splitter } from "./lib/split";
import { frameTables } from "./lib/wide";
import { Workbench } from "./lib/workbench";

const form = find<HTMLFormElement>("form[data-workbench]");
const root = find<HTMLElement>("[data-run]");
if (form !== null) {
  const bench = new Workbench(form, root);
  offerExercise();
  if (root !== null) bench.live = new RunLive(root, () => bench.runFinished(), () => bench.runMoved());
}
const grid = find<HTMLElement>("[data-split]");
const bar = find<HTMLElement>("[data-splitter]");
if (grid !== null && bar !== null) splitter(grid, bar);
copyButtons(document);
frameTables(document);
if (all(".math").length > 0) void import("./lib/math").then(({ drawMath }) => drawMath());
if (all("pre.mermaid").length > 0) void import("./lib/diagrams").then(({ drawDiagrams }) => drawDiagrams());
