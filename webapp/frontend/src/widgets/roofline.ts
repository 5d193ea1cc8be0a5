import { t } from "../lib/i18n";
import { elements, MODEL_NAMES, type Model, type ModelName, MODELS } from "./arithmetic/models";
import { type Chip, CHIP_NAMES, type ChipName, CHIPS, decode, intensity, isBoundByMemory, prefill, ridge, seconds, tokenBytes, USABLE, type Widths, type Work } from "./arithmetic/serving";
import { Controls } from "./kit/controls";
import { box, Drawing, label, legend, Numbers, rule, Sentence, svg } from "./kit/drawing";
import { bytes, fixed, rough, seconds as inSeconds } from "./kit/words";

const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const SHOWN = [1, 4, 16, 64, 256];
const TOKENS = [128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 131_072];
const BITS = [16, 8, 4] as const;
const [LOW, HIGH] = [0.5, 50_000]; // FLOP per byte, the axis from end to end
const DECADES = 4.2; // of FLOP/s, below the chip's peak
const [LEFT, RIGHT, TOP, FOOT, PLOT] = [44, 10, 22, 34, 190];

interface State {
  of: Model;
  on: Chip;
  batch: number;
  tokens: number;
  widths: Widths;
}

/** A chip's roofline with one decoding step and one prompt beneath it. */
export function mount(stage: HTMLElement, params: Record<string, unknown>): void {
  const sentence = new Sentence();
  const numbers = new Numbers(t("Decoding by batch, at best"), [t("Batch"), t("FLOP per byte"), t("A step"), t("Tokens a second"), t("Weights and cache")]);
  const controls = new Controls(() => show());
  addControls(controls, params);
  const drawing = new Drawing((width) => draw(width, stateOf(controls)));
  const show = (): void => {
    const state = stateOf(controls);
    const shown = [...new Set([...SHOWN, state.batch])].sort((a, b) => a - b);
    drawing.update();
    sentence.say(inWords(state));
    numbers.show(shown.map((batch) => row({ ...state, batch })), shown.indexOf(state.batch));
  };
  const swatches = [
    [t("One decoding step"), [svg("circle", { class: "point decode", cx: 11, cy: 6, r: 5 })]],
    [t("One prompt of as many tokens"), [box("point prefill", 6.5, 1.5, 9, 9)]],
    [t("The roof"), [svg("polyline", { class: "roof", points: "0,11 10,2 22,2" })]],
  ] as const;
  stage.replaceChildren(controls.box, legend(swatches), drawing.box, sentence.box, numbers.box);
  show();
}

function addControls(controls: Controls, params: Record<string, unknown>): void {
  const number = (name: string): number => Number(params[name]);
  controls.addChoice({ name: "model", label: t("Model"), value: String(params["model"]), options: MODEL_NAMES.map((name) => [name, MODELS[name].name] as const) });
  controls.addChoice({ name: "chip", label: t("Chip"), value: String(params["chip"]), options: CHIP_NAMES.map((name) => [name, CHIPS[name].name] as const) });
  controls.addNumber({ name: "batch", label: t("Sequences in a batch"), min: 1, max: 1024, step: 1, value: number("batch"), steps: BATCHES });
  controls.addNumber({ name: "tokens", label: t("Tokens of each"), min: 1, max: 131_072, step: 1, value: number("tokens"), steps: TOKENS });
  controls.addChoice({ name: "weights", label: t("Weights, bits"), value: String(params["weights"]), options: BITS.map((bits) => [String(bits), String(bits)] as const) });
}

function stateOf(controls: Controls): State {
  const widths = { weights: Number(controls.choice("weights")) / 8, cache: 2 };
  return { of: MODELS[controls.choice("model") as ModelName], on: CHIPS[controls.choice("chip") as ChipName], batch: controls.number("batch"), tokens: controls.number("tokens"), widths };
}

function inWords({ of, on, batch, tokens, widths }: State): string {
  const [step, prompt] = [decode(of, batch, tokens, widths), prefill(of, tokens, widths)];
  const wall = (work: Work): string => (isBoundByMemory(work, on) ? t("memory") : t("arithmetic"));
  const facts = { step: inSeconds(seconds(step, on)), rate: rough(batch / seconds(step, on)), has: rough(intensity(step)), ridge: rough(ridge(on)), wall: wall(step) };
  const first = t("A step takes {step} at best, {rate} tokens a second: {has} FLOP per byte where the ridge is {ridge}, so {wall} decides.", facts);
  const second = t("A prompt of {tokens} tokens has {has} and takes {time}: {wall} decides.", { tokens: fixed(tokens), has: rough(intensity(prompt)), time: inSeconds(seconds(prompt, on)), wall: wall(prompt) });
  return isTooLarge({ of, on, batch, tokens, widths }) ? `${first} ${t("It does not fit into {memory}, though.", { memory: bytes(on.memory) })} ${second}` : `${first} ${second}`;
}

function needed({ of, batch, tokens, widths }: State): number {
  return elements(of) * widths.weights + batch * tokens * tokenBytes(of, widths.cache);
}

function isTooLarge(state: State): boolean {
  return needed(state) > USABLE * state.on.memory;
}

function row(state: State): string[] {
  const { of, on, batch, tokens, widths } = state;
  const step = decode(of, batch, tokens, widths);
  const size = bytes(needed(state));
  return [fixed(batch), rough(intensity(step)), inSeconds(seconds(step, on)), fixed(batch / seconds(step, on)), isTooLarge(state) ? t("{size}: does not fit", { size }) : size];
}

/** Both axes by powers of ten. */
function draw(width: number, { of, on, batch, tokens, widths }: State): { height: number; nodes: Node[] } {
  const x = (perByte: number): number => LEFT + ((width - LEFT - RIGHT) * Math.log(perByte / LOW)) / Math.log(HIGH / LOW);
  const y = (flops: number): number => TOP + (PLOT * Math.log10(on.flops / flops)) / DECADES;
  const least = Math.max(LOW, on.flops / 10 ** DECADES / on.bandwidth);
  const roof = [[least, least * on.bandwidth], [ridge(on), on.flops], [HIGH, on.flops]].map(([i, f]) => `${x(i ?? 1).toFixed(1)},${y(f ?? 1).toFixed(1)}`);
  const nodes: Node[] = [...axes(width, on, x, y), svg("polyline", { class: "roof", points: roof.join(" ") })];
  nodes.push(rule("path", x(ridge(on)), TOP, x(ridge(on)), TOP + PLOT), label(t("ridge {at}", { at: rough(ridge(on)) }), x(ridge(on)), TOP - 8, "middle"));
  const place = (work: Work): [number, number] => [x(intensity(work)), y(work.flops / seconds(work, on))];
  const [px, py] = place(prefill(of, tokens, widths));
  const [dx, dy] = place(decode(of, batch, tokens, widths));
  nodes.push(box("point prefill", Math.min(px, width - RIGHT) - 5, py - 5, 10, 10), svg("circle", { class: "point decode", cx: dx, cy: dy, r: 6 }));
  return { height: TOP + PLOT + FOOT, nodes };
}

function axes(width: number, on: Chip, x: (perByte: number) => number, y: (flops: number) => number): Node[] {
  const bottom = TOP + PLOT;
  const nodes: Node[] = [rule("axis", LEFT, bottom, width - RIGHT, bottom), label(t("FLOP per byte"), width - RIGHT, bottom + 30, "end"), label(t("TFLOP/s"), 0, TOP - 8)];
  for (const perByte of [1, 10, 100, 1000, 10_000]) nodes.push(rule("axis", x(perByte), bottom, x(perByte), bottom + 4), label(fixed(perByte), x(perByte), bottom + 16, "middle"));
  for (let tera = 0.1; tera * 1e12 <= on.flops; tera *= 10) {
    if (y(tera * 1e12) < bottom - 4) nodes.push(label(rough(tera), LEFT - 8, y(tera * 1e12) + 4, "end"));
  }
  return nodes;
}
