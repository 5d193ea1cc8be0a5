import { el } from "../lib/dom";
import { t } from "../lib/i18n";
import { crossing, firstCrossing, naiveBars, pocockBars, scores, sequenceBars, shareCrossing, type Sides } from "./arithmetic/peeking";
import { Controls } from "./kit/controls";
import { Drawing, Numbers, Sentence, svg } from "./kit/drawing";
import { fixed, percent } from "./kit/words";

const EXPERIMENTS = 2000;
const DRAWN = 40;
const [HEIGHT, LEFT, BOTTOM, TOP] = [260, 34, 34, 10];

interface State {
  looks: number;
  alpha: number;
  sides: Sides;
  paths: number[][];
  naive: number[];
  pocock: number[];
  sequence: number[];
  exact: { naive: number; pocock: number; sequence: number };
}

/** A/A experiments that are looked at again and again: how many come out significant, by what is asked of each look. */
export function mount(stage: HTMLElement, params: Record<string, unknown>): void {
  let seed = Number(params["seed"]);
  const sentence = new Sentence();
  const numbers = new Numbers(t("False positives by method"), [t("Method"), t("Bar at the last look"), t("Of {count} experiments", { count: fixed(EXPERIMENTS) }), t("Exactly")]);
  const controls = new Controls(() => show());
  addControls(controls, params);
  const again = el("button", { type: "button", class: "button slim" }, t("Draw new experiments"));
  again.addEventListener("click", () => {
    seed += 1;
    show();
  });
  controls.box.append(el("div", { class: "widget-control" }, again));
  let state = stateOf(controls, seed);
  const drawing = new Drawing((width) => draw(width, state));
  const show = (): void => {
    state = stateOf(controls, seed);
    drawing.update();
    sentence.say(inWords(state));
    numbers.show(rows(state));
  };
  stage.replaceChildren(controls.box, legend(), drawing.box, sentence.box, numbers.box);
  show();
}

function addControls(controls: Controls, params: Record<string, unknown>): void {
  controls.addNumber({ name: "looks", label: t("Looks"), min: 1, max: 40, step: 1, value: Number(params["looks"]) });
  controls.addChoice({ name: "alpha", label: t("Alpha, what one look may be wrong"), value: String(params["alpha"]), options: ["1", "5", "10"].map((each) => [each, `${each} %`] as const) });
  controls.addChoice({ name: "sides", label: t("The question"), value: String(params["sides"]), options: [["1", t("Is B better? (one-sided)")], ["2", t("Do they differ? (two-sided)")]] });
}

function stateOf(controls: Controls, seed: number): State {
  const looks = controls.number("looks");
  const alpha = Number(controls.choice("alpha")) / 100;
  const sides = Number(controls.choice("sides")) as Sides;
  const [naive, pocock, sequence] = [naiveBars(looks, alpha, sides), pocockBars(looks, alpha, sides), sequenceBars(looks, alpha, sides)];
  const exact = { naive: crossing(naive, sides), pocock: crossing(pocock, sides), sequence: crossing(sequence, sides) };
  return { looks, alpha, sides, paths: scores(EXPERIMENTS, looks, seed), naive, pocock, sequence, exact };
}

function inWords({ looks, alpha, exact }: State): string {
  const facts = { looks, alpha: `${fixed(100 * alpha)} %`, naive: percent(exact.naive), sequence: percent(exact.sequence) };
  if (looks === 1) return t("Looked at once, a test at {alpha} ships a change that does nothing {alpha} of the time, as it promises.", facts);
  return t("Looked at {looks} times, a test at {alpha} ships a change that does nothing {naive} of the time. The confidence sequence does so {sequence} of the time, and may be looked at as often as you like.", facts);
}

function rows({ paths, sides, naive, pocock, sequence, exact, alpha }: State): string[][] {
  const once = [...naive].fill(Infinity, 0, -1);
  const line = (name: string, bars: number[], share: number): string[] => [name, fixed(bars.at(-1) ?? NaN, 2), percent(shareCrossing(paths, bars, sides)), percent(share)];
  return [
    line(t("One look, at the end"), once, alpha),
    line(t("Peeking: the same bar at every look"), naive, exact.naive),
    line(t("Pocock: a bar for exactly so many looks"), pocock, exact.pocock),
    line(t("Confidence sequence: any number of looks"), sequence, exact.sequence),
  ];
}

const BARS = [
  ["naive", (): string => t("one-look bar")],
  ["pocock", (): string => t("Pocock's bar")],
  ["sequence", (): string => t("confidence sequence")],
] as const;

function legend(): HTMLElement {
  const list = el("ul", { class: "widget-legend", "aria-hidden": "true" });
  for (const [kind, name] of BARS) {
    list.append(el("li", {}, svg("svg", { width: 28, height: 12, viewBox: "0 0 28 12" }, svg("line", { class: `bar ${kind}`, x1: 0, x2: 28, y1: 6, y2: 6 })), name()));
  }
  const dot = svg("svg", { width: 12, height: 12, viewBox: "0 0 12 12" }, svg("circle", { class: "crossed", cx: 6, cy: 6, r: 4 }));
  list.append(el("li", {}, dot, t("a false alarm")));
  return list;
}

/** Forty of the paths with the bars; where a path first crosses the one-look bar, a dot. */
function draw(width: number, { looks, paths, sides, naive, pocock, sequence }: State): { height: number; nodes: Node[] } {
  const drawn = paths.slice(0, DRAWN);
  const top = Math.max(4, ...drawn.flat().map(Math.abs), ...pocock) + 0.3;
  const x = (look: number): number => LEFT + ((look + 1) / looks) * (width - LEFT - 8);
  const y = (score: number): number => TOP + ((top - score) / (2 * top)) * (HEIGHT - TOP - BOTTOM);
  const line = (kind: string, values: readonly number[], mirror = 1): SVGElement =>
    svg("polyline", { class: kind, points: values.map((value, look) => `${x(look).toFixed(1)},${y(mirror * Math.min(value, top)).toFixed(1)}`).join(" ") });
  const nodes: Node[] = [...axes(width, looks, top, x, y)];
  for (const path of drawn) nodes.push(svg("polyline", { class: "path", points: [`${LEFT},${y(0)}`, ...path.map((score, look) => `${x(look).toFixed(1)},${y(score).toFixed(1)}`)].join(" ") }));
  for (const [kind, bars] of [["naive", naive], ["pocock", pocock], ["sequence", sequence]] as const) {
    const ends = looks === 1 ? [bars[0] ?? 0, bars[0] ?? 0] : bars; // one look is a point: draw it as wide as the plot
    const place = looks === 1 ? `${LEFT},${y(ends[0] ?? 0)} ${x(0)},${y(ends[0] ?? 0)}` : "";
    nodes.push(looks === 1 ? svg("polyline", { class: `bar ${kind}`, points: place }) : line(`bar ${kind}`, bars));
    if (sides === 2 && looks > 1) nodes.push(line(`bar ${kind}`, bars, -1));
  }
  for (const path of drawn) {
    const at = firstCrossing(path, naive, sides);
    if (at >= 0) nodes.push(svg("circle", { class: "crossed", cx: x(at), cy: y(path[at] ?? 0), r: 4 }));
  }
  return { height: HEIGHT, nodes };
}

function axes(width: number, looks: number, top: number, x: (look: number) => number, y: (score: number) => number): SVGElement[] {
  const nodes = [svg("line", { class: "axis", x1: LEFT, x2: width - 8, y1: y(0), y2: y(0) })];
  for (const score of [-4, -2, 0, 2, 4].filter((value) => Math.abs(value) < top)) {
    nodes.push(svg("text", { class: "label", x: LEFT - 8, y: y(score) + 4, "text-anchor": "end" }, fixed(score)));
  }
  const every = Math.ceil(looks / 10);
  for (let look = every - 1; look < looks; look += every) {
    nodes.push(svg("text", { class: "label", x: x(look), y: HEIGHT - BOTTOM + 14, "text-anchor": "middle" }, String(look + 1)));
  }
  nodes.push(svg("text", { class: "label", x: width - 8, y: HEIGHT - 4, "text-anchor": "end" }, t("look")));
  nodes.push(svg("text", { class: "label", x: 0, y: TOP + 2 }, t("z")));
  return nodes;
}
