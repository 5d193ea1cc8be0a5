import { t } from "../lib/i18n";
import { elements, MODEL_NAMES, type Model, type ModelName, MODELS } from "./arithmetic/models";
import { room, sequences, tokenBytes, USABLE, type Widths } from "./arithmetic/serving";
import { Controls } from "./kit/controls";
import { box, Drawing, label, legend, Numbers, rule, Sentence, stripes } from "./kit/drawing";
import { bytes, fixed } from "./kit/words";

const TOKENS = [256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072];
const MEMORIES = [16, 24, 40, 48, 80, 141, 192, 640];
const WEIGHTS = [2, 1, 0.5] as const;
const CACHES = [2, 1] as const;
const COMBINATIONS: readonly Widths[] = [{ weights: 2, cache: 2 }, { weights: 1, cache: 2 }, { weights: 2, cache: 1 }, { weights: 1, cache: 1 }];
const [BAR, TOP, OUTLINED] = [44, 22, 4]; // pixels: a bar's height, what is above it, and a slot that may have a line around it

interface State {
  of: Model;
  tokens: number;
  memory: number;
  widths: Widths;
}

/** A device's memory: weights, and a slot for the cache of each sequence that fits. */
export function mount(stage: HTMLElement, params: Record<string, unknown>): void {
  const sentence = new Sentence();
  const numbers = new Numbers(t("Sequences that fit, by the widths of numbers"), [t("Weights and cache"), t("Room for the cache"), t("A token"), t("A sequence"), t("Sequences")]);
  const controls = new Controls(() => show());
  addControls(controls, params);
  const drawing = new Drawing((width) => draw(width, stateOf(controls)));
  const show = (): void => {
    const state = stateOf(controls);
    drawing.update();
    sentence.say(inWords(state));
    numbers.show(COMBINATIONS.map((widths) => row({ ...state, widths })), COMBINATIONS.findIndex((each) => each.weights === state.widths.weights && each.cache === state.widths.cache));
  };
  const swatches = [
    [t("Weights"), [box("part weights", 0, 1, 22, 10)]],
    [t("The cache of one sequence"), [box("part gradients", 0.5, 1.5, 20, 9)]],
    [t("Kept free for the rest"), [box("idle", 0.5, 1.5, 20, 9), ...stripes(0, 1, 22, 10)]],
  ] as const;
  stage.replaceChildren(controls.box, legend(swatches), drawing.box, sentence.box, numbers.box);
  show();
}

function addControls(controls: Controls, params: Record<string, unknown>): void {
  const number = (name: string): number => Number(params[name]);
  controls.addChoice({ name: "model", label: t("Model"), value: String(params["model"]), options: MODEL_NAMES.map((name) => [name, MODELS[name].name] as const) });
  controls.addChoice({ name: "heads", label: t("Key-value heads"), value: "own", options: [["own", t("as the model has them")], ["all", t("one for each query head")]] });
  controls.addNumber({ name: "tokens", label: t("Tokens of a sequence"), min: 1, max: 131_072, step: 1, value: number("tokens"), steps: TOKENS });
  controls.addNumber({ name: "memory", label: t("Memory, GB"), min: 1, max: 640, step: 1, value: number("memory"), steps: MEMORIES });
  controls.addChoice({ name: "weights", label: t("Weights, bits"), value: String(number("weights") / 8), options: WEIGHTS.map((each) => [String(each), String(8 * each)] as const) });
  controls.addChoice({ name: "cache", label: t("Cache, bits"), value: String(number("cache") / 8), options: CACHES.map((each) => [String(each), String(8 * each)] as const) });
}

function stateOf(controls: Controls): State {
  const own = MODELS[controls.choice("model") as ModelName];
  const of = controls.choice("heads") === "all" ? { ...own, kvHeads: own.heads } : own;
  return { of, tokens: controls.number("tokens"), memory: 1e9 * controls.number("memory"), widths: { weights: Number(controls.choice("weights")), cache: Number(controls.choice("cache")) } };
}

function inWords({ of, tokens, memory, widths }: State): string {
  const left = room(of, memory, widths);
  if (left <= 0) return t("The weights of {model} take {weights}, and {usable} of {memory} may be used: they do not fit.", { model: of.name, weights: bytes(elements(of) * widths.weights), usable: bytes(USABLE * memory), memory: bytes(memory) });
  const each = tokenBytes(of, widths.cache);
  const facts = { model: of.name, token: bytes(each), tokens: fixed(tokens), sequence: bytes(tokens * each), left: bytes(left), count: fixed(sequences(of, tokens, memory, widths)) };
  return t("{model} keeps {token} for each token, {sequence} for a sequence of {tokens}. In the {left} beside the weights fit {count} such sequences.", facts);
}

function row({ of, tokens, memory, widths }: State): string[] {
  const each = tokenBytes(of, widths.cache);
  const left = room(of, memory, widths);
  const name = t("{weights} and {cache} bits", { weights: 8 * widths.weights, cache: 8 * widths.cache });
  return [name, left > 0 ? bytes(left) : t("none"), bytes(each), bytes(tokens * each), fixed(sequences(of, tokens, memory, widths))];
}

/** The memory as one bar, to scale. Slots too thin for a line become one area, and the number stands above it. */
function draw(width: number, { of, tokens, memory, widths }: State): { height: number; nodes: Node[] } {
  const scale = (width - 1) / Math.max(memory, elements(of) * widths.weights);
  const [end, usable] = [elements(of) * widths.weights * scale, USABLE * memory * scale];
  const [slot, count] = [tokens * tokenBytes(of, widths.cache) * scale, sequences(of, tokens, memory, widths)];
  const nodes: Node[] = [box("part weights", 0, TOP, end, BAR)];
  if (memory * scale > Math.max(usable, end)) nodes.push(box("idle", usable, TOP + 0.5, memory * scale - usable, BAR - 1), ...stripes(usable, TOP, memory * scale - usable, BAR));
  if (slot >= OUTLINED) for (let index = 0; index < count; index++) nodes.push(box("part gradients", end + index * slot + 0.5, TOP + 0.5, slot - 1, BAR - 1));
  else if (count > 0) nodes.push(box("part gradients", end, TOP + 0.5, count * slot, BAR - 1), ...stripes(end, TOP, count * slot, BAR, 3));
  nodes.push(rule("limit", usable, TOP - 6, usable, TOP + BAR + 6));
  nodes.push(label(t("weights, {size}", { size: bytes(elements(of) * widths.weights) }), 0, TOP - 8));
  nodes.push(label(t("{size} usable", { size: bytes(USABLE * memory) }), usable - 4, TOP + BAR + 18, "end"));
  if (count > 0) nodes.push(label(count === 1 ? t("1 sequence") : t("{count} sequences", { count: fixed(count) }), usable - 4, TOP - 8, "end", "label chosen"));
  return { height: TOP + BAR + 24, nodes };
}
