import "./styles/ansi.css";
import "./styles/lesson.css";

import { watchCells } from "./lib/cells";
import { copyButtons } from "./lib/copy";
import { all, find } from "./lib/dom";
import { watchQuizzes } from "./lib/quiz";
import { watchReading } from "./lib/reading";
import { frameTables } from "./lib/wide";

const article = find<HTMLElement>("[data-lesson]");
if (article !== null) {
  watchReading(article);
  copyButtons(article);
  frameTables(document);
  watchQuizzes(article);
  if (all(".math", article).length > 0) void import("./lib/math").then(({ drawMath }) => drawMath());
  if (all("pre.mermaid", article).length > 0) void import("./lib/diagrams").then(({ drawDiagrams }) => drawDiagrams());
  if (all("[data-cell]", article).length > 0) void watchCells(article);
}
