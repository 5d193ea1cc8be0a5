import { t } from "../lib/i18n";
import { type Job, type Optimizer, type Part, PARTS, perRank, type Precision, type Sizes, smallestStage, type Stage, STAGES, total } from "./arithmetic/zero_memory";
import { Controls } from "./kit/controls";
import { box, Drawing, label, legend, Numbers, rule, Sentence, stripes } from "./kit/drawing";
import { rough } from "./kit/words";

const MODELS = [0.1, 0.35, 1.3, 3, 7, 8, 13, 34, 70, 175, 405, 1000];
const RANKS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const MEMORIES = [24, 40, 48, 80, 141, 192];
const [ROW, BAR, TOP, FOOT] = [50, 20, 8, 26];

interface State {
  job: Job;
  stage: Stage;
  memory: number;
  kept: number;
}

/** Memory per rank by ZeRO stage and precision, against what a device has. */
export function mount(stage: HTMLElement, params: Record<string, unknown>): void {
  const sentence = new Sentence();
  const numbers = new Numbers(t("Memory per rank by stage"), [t("Stage"), t("Weights"), t("Gradients"), t("Optimizer"), t("Together"), t("Fits")]);
  const controls = new Controls(() => show());
  addControls(controls, params);
  const drawing = new Drawing((width) => draw(width, stateOf(controls)));
  const show = (): void => {
    const state = stateOf(controls);
    drawing.update();
    sentence.say(inWords(state));
    numbers.show(STAGES.map((each) => row(state, each)), state.stage);
  };
  stage.replaceChildren(controls.box, legend(PARTS.map((part) => [partName(part), texture(part, 0, 0, 22, 12)] as const)), drawing.box, sentence.box, numbers.box);
  show();
}

function addControls(controls: Controls, params: Record<string, unknown>): void {
  const number = (name: string): number => Number(params[name]);
  controls.addNumber({ name: "params", label: t("Parameters, billions"), min: 0.1, max: 1000, step: 0.01, value: number("params"), steps: MODELS });
  controls.addNumber({ name: "ranks", label: t("Ranks"), min: 1, max: 1024, step: 1, value: number("ranks"), steps: RANKS });
  controls.addChoice({ name: "stage", label: t("Stage"), value: String(params["stage"]), options: STAGES.map((each) => [String(each), stageName(each)] as const) });
  controls.addChoice({ name: "precision", label: t("Precision"), value: String(params["precision"]), options: [["mixed", t("bf16 with an fp32 copy")], ["bf16", t("bf16 alone")], ["fp32", "fp32"]] });
  controls.addChoice({ name: "optimizer", label: t("Optimizer"), value: String(params["optimizer"]), options: [["adam", "Adam"], ["adam8bit", t("Adam, 8-bit")], ["momentum", t("SGD with momentum")], ["sgd", "SGD"]] });
  controls.addChoice({ name: "memory", label: t("Memory of a device"), value: String(params["memory"]), options: MEMORIES.map((gb) => [String(gb), `${gb} GB`] as const) });
  controls.addNumber({ name: "kept", label: t("GB kept for activations"), min: 0, max: 100, step: 0.5, value: number("kept") });
}

function stateOf(controls: Controls): State {
  return {
    job: {
      params: controls.number("params"),
      ranks: controls.number("ranks"),
      precision: controls.choice("precision") as Precision,
      optimizer: controls.choice("optimizer") as Optimizer,
    },
    stage: Number(controls.choice("stage")) as Stage,
    memory: Number(controls.choice("memory")),
    kept: controls.number("kept"),
  };
}

function stageName(stage: Stage): string {
  return stage === 0 ? t("0: nothing is divided") : [t("1: the optimizer"), t("2: gradients, too"), t("3: weights, too")][stage - 1] ?? "";
}

function partName(part: Part): string {
  return { weights: t("Weights"), gradients: t("Gradients"), optimizer: t("Optimizer") }[part];
}

function inWords({ job, stage, memory, kept }: State): string {
  const need = total(perRank(job, stage));
  const room = memory - kept;
  const fits = need <= room;
  const facts = { params: job.params, ranks: job.ranks, stage, need: rough(need), memory, room: rough(Math.max(0, room)) };
  const first =
    kept > 0
      ? t("{params} billion parameters on {ranks} × {memory} GB at stage {stage} need {need} GB a rank, of {room} GB that are left:", facts)
      : t("{params} billion parameters on {ranks} × {memory} GB at stage {stage} need {need} GB a rank:", facts);
  return `${first} ${fits ? t("that fits.") : t("that does not fit.")} ${advice(job, stage, room)}`;
}

function advice(job: Job, stage: Stage, room: number): string {
  const smallest = smallestStage(job, room);
  if (smallest === null) return t("No stage does on so many ranks.");
  if (smallest === stage) return t("It is the smallest stage that does.");
  const facts = { stage: smallest, need: rough(total(perRank(job, smallest))) };
  return smallest < stage ? t("Stage {stage} does already, with {need} GB.", facts) : t("Stage {stage} does, with {need} GB.", facts);
}

function row({ job, memory, kept }: State, stage: Stage): string[] {
  const sizes = perRank(job, stage);
  const fits = total(sizes) <= memory - kept;
  return [String(stage), ...PARTS.map((part) => `${rough(sizes[part])} GB`), `${rough(total(sizes))} GB`, fits ? t("yes") : t("no")];
}

/** A part of a bar. Gradients are striped and the optimizer's is outlined, so that colour is not alone. */
function texture(part: Part, x: number, y: number, width: number, height: number): SVGElement[] {
  const whole = box(`part ${part}`, x, y, width, height);
  return part === "gradients" ? [whole, ...stripes(x, y, width, height)] : [whole];
}

function draw(width: number, { job, stage, memory, kept }: State): { height: number; nodes: Node[] } {
  const all = STAGES.map((each) => perRank(job, each));
  const largest = Math.max(memory, ...all.map(total));
  const scale = (size: number): number => (size / largest) * (width - 2);
  const bottom = TOP + STAGES.length * ROW;
  const nodes = all.flatMap((sizes, each) => bar(sizes, each as Stage, each === stage, scale, width, memory - kept));
  nodes.push(...limit(scale(memory), t("{memory} GB", { memory }), width, bottom, "limit"));
  if (kept > 0 && kept < memory) nodes.push(...limit(scale(memory - kept), "", width, bottom, "limit kept"));
  return { height: bottom + FOOT, nodes };
}

function bar(sizes: Sizes, stage: Stage, isChosen: boolean, scale: (size: number) => number, width: number, room: number): SVGElement[] {
  const top = TOP + stage * ROW;
  const fits = total(sizes) <= room;
  const name = label(`${isChosen ? "▸ " : ""}${t("Stage {stage}", { stage })}`, 0, top + 14, "start", isChosen ? "label chosen" : "label");
  const sum = label(`${rough(total(sizes))} GB ${fits ? "✓" : "✕"}`, width, top + 14, "end", isChosen ? "label chosen" : "label");
  let x = 0;
  const parts = PARTS.flatMap((part) => {
    const from = x;
    x += scale(sizes[part]);
    return texture(part, from, top + 20, x - from, BAR);
  });
  return [name, sum, ...parts];
}

function limit(x: number, text: string, width: number, bottom: number, kind: string): SVGElement[] {
  const anchor = x < 40 ? "start" : x > width - 40 ? "end" : "middle";
  const line = rule(kind, x, TOP, x, bottom);
  return text === "" ? [line] : [line, label(text, x, bottom + 18, anchor)];
}
