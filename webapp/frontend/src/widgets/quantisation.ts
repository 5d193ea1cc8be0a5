import { t } from "../lib/i18n";
import { type Format, FORMATS, levels, rounded, scales, weights } from "./arithmetic/quantisation";
import { Controls } from "./kit/controls";
import { box, Drawing, label, legend, Numbers, rule, Sentence } from "./kit/drawing";
import { fixed, percent, rough } from "./kit/words";

const COUNT = 8192;
const SEED = 7;
const BLOCKS = [16, 32, 64, 128, 256, 512, 1024, 4096];
const SCALE_BITS = 16;
const EVERY = { none: 0, few: 1 / 1024, many: 1 / 128 } as const;
const SIZES = [1, 2, 5, 10, 20, 50, 100];
const REACH = 4.5; // standard deviations, the axis from the middle to its end
const BINS = 45;
const [TOP, HIGH, LINE, FOOT] = [8, 110, 34, 22];

interface State {
  format: Format;
  block: number;
  share: number;
  size: number;
}

/** Weights and the levels that they may take: what rounding costs, by format, block and outliers. */
export function mount(stage: HTMLElement, params: Record<string, unknown>): void {
  const sentence = new Sentence();
  const numbers = new Numbers(t("Formats compared, with the same blocks"), [t("Format"), t("Levels"), t("Bits a weight"), t("Error, of the weights' size")]);
  const controls = new Controls(() => show());
  addControls(controls, params);
  const drawing = new Drawing((width) => draw(width, stateOf(controls)));
  const show = (): void => {
    const state = stateOf(controls);
    drawing.update();
    sentence.say(inWords(state));
    numbers.show(FORMATS.map((format) => row({ ...state, format })), FORMATS.indexOf(state.format));
  };
  const swatches = [
    [t("Weights, by size"), [box("slot backward", 0.5, 1, 21, 10)]],
    [t("Levels of a block that has an ordinary largest weight"), [rule("stripe", 6, 1, 6, 11), rule("stripe", 16, 1, 16, 11)]],
  ] as const;
  stage.replaceChildren(controls.box, legend(swatches), drawing.box, sentence.box, numbers.box);
  show();
}

function addControls(controls: Controls, params: Record<string, unknown>): void {
  controls.addChoice({ name: "format", label: t("Format"), value: String(params["format"]), options: FORMATS.map((format) => [format, nameOf(format)] as const) });
  controls.addNumber({ name: "block", label: t("Weights that share a scale"), min: 16, max: 4096, step: 1, value: Number(params["block"]), steps: BLOCKS });
  controls.addChoice({ name: "outliers", label: t("Outliers"), value: String(params["outliers"]), options: [["none", t("none")], ["few", t("one in 1,024")], ["many", t("one in 128")]] });
  controls.addNumber({ name: "size", label: t("Their size, times the others"), min: 1, max: 100, step: 1, value: Number(params["size"]), steps: SIZES });
}

function stateOf(controls: Controls): State {
  return { format: controls.choice("format") as Format, block: controls.number("block"), share: EVERY[controls.choice("outliers") as keyof typeof EVERY], size: controls.number("size") };
}

function nameOf(format: Format): string {
  return format === "nf4" ? "NF4" : format;
}

function drawn({ share, size }: State): number[] {
  return weights(COUNT, SEED, share, size);
}

function inWords(state: State): string {
  const { format, block } = state;
  const values = drawn(state);
  const now = rounded(values, format, block, SCALE_BITS);
  const plain = rounded(weights(COUNT, SEED, 0, 1), format, block, SCALE_BITS);
  const facts = { format: nameOf(format), block: fixed(block), bits: rough(now.bits), error: percent(now.error) };
  const first = t("{format} with a scale of 16 bits for {block} weights takes {bits} bits a weight and errs by {error} of the weights' size.", facts);
  if (state.share === 0 || state.size === 1) return `${first} ${t("A smaller block has a smaller largest weight, so finer steps.")}`;
  return `${first} ${t("Without the outliers it would be {plain}: each takes its whole block's steps apart.", { plain: percent(plain.error) })}`;
}

function row(state: State): string[] {
  const found = rounded(drawn(state), state.format, state.block, SCALE_BITS);
  return [nameOf(state.format), fixed(levels(state.format).length), rough(found.bits), percent(found.error, found.error < 0.02 ? 2 : 1)];
}

/** The weights' histogram, and beneath it the levels of the block whose largest weight is the median one. */
function draw(width: number, state: State): { height: number; nodes: Node[] } {
  const x = (value: number): number => (width * (value + REACH)) / (2 * REACH);
  const counts = Array.from({ length: BINS }, () => 0);
  for (const value of drawn(state)) {
    const bin = Math.floor((BINS * (value + REACH)) / (2 * REACH));
    if (bin >= 0 && bin < BINS) counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const [most, base] = [Math.max(...counts), TOP + HIGH];
  const nodes: Node[] = counts.map((count, bin) => box("slot backward", (bin * width) / BINS + 0.5, base - (HIGH * count) / most, width / BINS - 1, (HIGH * count) / most));
  nodes.push(rule("axis", 0, base, width, base));
  const each = scales(drawn(state), state.block).sort((a, b) => a - b);
  const scale = each[Math.floor(each.length / 2)] ?? 1;
  for (const level of levels(state.format)) if (Math.abs(level * scale) <= REACH) nodes.push(rule("stripe", x(level * scale), base + 6, x(level * scale), base + LINE));
  for (const sigma of [-4, -2, 0, 2, 4]) nodes.push(label(`${fixed(sigma)} σ`, x(sigma), base + LINE + 16, "middle"));
  return { height: base + LINE + FOOT, nodes };
}
