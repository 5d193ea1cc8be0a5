import "./styles/ansi.css";
import "./styles/exercise.css";

import { copyButtons } from "./lib/copy";
import { find } from "./lib/dom";
import { RunLive } from "./lib/run";
import { localTimes } from "./lib/times";

const root = find<HTMLElement>("[data-run]");
if (root !== null) new RunLive(root, () => localTimes(root));
copyButtons(document);
