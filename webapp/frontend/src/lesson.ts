import "./styles/ansi.css";
import "./styles/lesson.css";

import { watchCells } from "./lib/cells";
import { copyAnchors, copyButtons } from "./lib/copy";
import { all, need } from "./lib/dom";
import { watchQuizzes } from "./lib/quiz";
import { watchReading } from "./lib/reading";
import { frameTables, printButton, wideCode } from "./lib/wide";
import { watchWidgets } from "./lib/widgets";

const lesson = need<HTMLElement>(".lesson");
const article = need<HTMLElement>("[data-lesson]", lesson);
const storageKey = lesson.dataset["storageKey"] ?? "";
watchReading(article, storageKey);
copyButtons(article);
copyAnchors(article);
frameTables(document);
wideCode(lesson);
printButton(lesson);
watchQuizzes(article);
watchCells(article, storageKey);
watchWidgets(article);
if (all(".math", article).length > 0) void import("./lib/math").then(({ drawMath }) => drawMath());
if (all("pre.mermaid", article).length > 0) void import("./lib/diagrams").then(({ drawDiagrams }) => drawDiagrams());
