import "./styles/ansi.css";
import "./styles/lesson.css";

import { watchCells } from "./lib/cells";
import { copyAnchors, copyButtons } from "./lib/copy";
import { all, need } from "./lib/dom";
import { watchQuizzes } from "./lib/quiz";
import { watchReading } from "./lib/reading";
import { frameTables, printButton, wideCode } from "./lib/wide";
import { whenNear } from "./lib/near";
import { watchWidgets } from "./lib/widgets";

const lesson = need<HTMLElement>(".lesson");
const article = need<HTMLElement>("[data-lesson]", lesson);
const storageKey = lesson.dataset["storageKey"] ?? "";
watchReading(article, storageKey);
copyButtons(article);
copyAnchors(article);
frameTables(document);
wideCode(lesson);
watchQuizzes(article);
watchCells(article, storageKey);
watchWidgets(article);
const drawMath = (): Promise<void> => import("./lib/math").then((math) => math.drawMath());
whenNear(all(".math", article), () => void drawMath());
whenNear(all("pre.mermaid", article), () => void import("./lib/diagrams").then(({ drawDiagrams }) => drawDiagrams()));
printButton(lesson, drawMath);
