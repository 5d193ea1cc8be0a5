import { t } from "../lib/i18n";
import { FROZEN_BYTES, largestRank, type Plan, share, trained, TRAINED_BYTES } from "./arithmetic/lora_count";
import { elements, MODEL_NAMES, type Model, type ModelName, MODELS, MODULES, type Module, shape } from "./arithmetic/models";
import { Controls } from "./kit/controls";
import { box, Drawing, label, legend, Numbers, Sentence } from "./kit/drawing";
import { bytes, fixed, percent } from "./kit/words";

const RANKS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const LAYERS = { all: 1, half: 2, quarter: 4 } as const;
const BUDGET = 0.01; // the share that the sentence asks for
const [LINE, GAP, THINNEST, NAMES] = [560, 14, 1.5, 22]; // pixels; a drawing wider than LINE has one row

interface State {
  name: ModelName;
  of: Model;
  plan: Plan;
  part: keyof typeof LAYERS;
}

/** What LoRA trains: each matrix of a layer to scale, with its two factors. */
export function mount(stage: HTMLElement, params: Record<string, unknown>): void {
  const sentence = new Sentence();
  const numbers = new Numbers(t("The same adapter on other models"), [t("Model"), t("Base"), t("Trained"), t("Share"), t("Adapter, 16 bits")]);
  const controls = new Controls(() => show());
  addControls(controls, params);
  const drawing = new Drawing((width) => draw(width, stateOf(controls)));
  const show = (): void => {
    const state = stateOf(controls);
    drawing.update();
    sentence.say(inWords(state));
    numbers.show(MODEL_NAMES.map((name) => row(state, name)), MODEL_NAMES.indexOf(state.name));
  };
  const swatches = [
    [t("Frozen, adapted"), [box("matrix adapted", 1, 1, 20, 10)]],
    [t("Frozen, left alone"), [box("matrix", 1, 1, 20, 10)]],
    [t("A (below) and B (right), trained"), [box("factor", 0, 9, 19, 3), box("factor", 19, 0, 3, 9)]],
  ] as const;
  stage.replaceChildren(controls.box, legend(swatches), drawing.box, sentence.box, numbers.box);
  show();
}

function addControls(controls: Controls, params: Record<string, unknown>): void {
  controls.addChoice({ name: "model", label: t("Model"), value: String(params["model"]), options: MODEL_NAMES.map((name) => [name, MODELS[name].name] as const) });
  controls.addChoice({ name: "layers", label: t("Layers"), value: String(params["layers"]), options: [["all", t("all")], ["half", t("the upper half")], ["quarter", t("the upper quarter")]] });
  controls.addNumber({ name: "rank", label: t("Rank"), min: 1, max: 256, step: 1, value: Number(params["rank"]), steps: RANKS });
  controls.addSet({ name: "targets", label: t("Adapted matrices"), options: MODULES, values: params["targets"] as string[] });
}

function layersOf(of: Model, part: keyof typeof LAYERS): number {
  return Math.ceil(of.layers / LAYERS[part]);
}

function stateOf(controls: Controls): State {
  const name = controls.choice("model") as ModelName;
  const part = controls.choice("layers") as keyof typeof LAYERS;
  const of = MODELS[name];
  return { name, of, part, plan: { targets: controls.set("targets") as ReadonlySet<Module>, rank: controls.number("rank"), layers: layersOf(of, part) } };
}

function inWords({ of, plan }: State): string {
  if (plan.targets.size === 0) return t("No matrix is adapted, so nothing is trained.");
  const [count, base] = [trained(of, plan), elements(of)];
  const facts = { rank: plan.rank, layers: plan.layers, model: of.name, count: fixed(count), share: percent(count / base, 3), base: fixed(base), adapter: bytes(2 * count) };
  const first = t("Rank {rank} in {layers} layers of {model} trains {count} elements, {share} of {base}; the adapter takes {adapter} in 16 bits.", facts);
  const memory = t("Weights, gradients and Adam take {lora} instead of {full}.", { lora: bytes(FROZEN_BYTES * base + TRAINED_BYTES * count), full: bytes(TRAINED_BYTES * base) });
  const rank = largestRank(of, plan, BUDGET);
  return `${first} ${memory} ${rank === 0 ? t("Rank 1 is above one percent already.") : t("The largest rank below one percent is {rank}.", { rank })}`;
}

function row({ plan, part }: State, name: ModelName): string[] {
  const of = MODELS[name];
  const own = { ...plan, layers: layersOf(of, part) };
  return [of.name, fixed(elements(of)), fixed(trained(of, own)), percent(share(of, own), 3), bytes(2 * trained(of, own))];
}

/** The seven matrices of one layer to one scale, in a row where there is room, else attention above the feed-forward block. */
function draw(width: number, { of, plan }: State): { height: number; nodes: Node[] } {
  const lines: Module[][] = width >= LINE ? [[...MODULES]] : [MODULES.slice(0, 4), MODULES.slice(4)];
  const broad = (line: readonly Module[]): number => line.reduce((sum, module) => sum + shape(of, module)[1], 0);
  const thick = (scale: number): number => Math.max(THINNEST, plan.rank * scale);
  // Each matrix has its B at its side, so the scale allows for both; a rank of the width itself is as far as it goes.
  const room = Math.min(...lines.map((line) => (width - line.length * (GAP + THINNEST)) / (broad(line) + line.length * plan.rank)));
  const scale = Math.min(room, 110 / of.width);
  const nodes: Node[] = [];
  let y = NAMES;
  for (const line of lines) {
    let [x, tallest] = [0, 0];
    for (const module of line) {
      const [out, into] = shape(of, module);
      nodes.push(...matrix(module, plan.targets.has(module), x, y, into * scale, out * scale, thick(scale)));
      x += into * scale + thick(scale) + GAP;
      tallest = Math.max(tallest, out * scale);
    }
    y += tallest + thick(scale) + 6 + NAMES;
  }
  return { height: y - NAMES, nodes };
}

function matrix(name: string, isAdapted: boolean, x: number, y: number, wide: number, high: number, thick: number): SVGElement[] {
  const frozen = box(isAdapted ? "matrix adapted" : "matrix", x + 0.5, y, wide - 1, high);
  const title = label(name, x, y - 6, "start", isAdapted ? "label chosen" : "label");
  return isAdapted ? [title, frozen, box("factor", x, y + high + 1, wide, thick), box("factor", x + wide + 1, y, thick, high)] : [title, frozen];
}
