import { plural, t } from "../lib/i18n";
import { buckets, forward, type Job, overlapped, ring, sent, type Way, ways } from "./arithmetic/all_reduce";
import { Controls } from "./kit/controls";
import { box, Drawing, label, legend, Numbers, rule, Sentence, stripes } from "./kit/drawing";
import { bytes, fixed, percent, seconds } from "./kit/words";

const GRADIENTS = [0.1, 0.25, 0.5, 1, 2, 4, 8, 14, 16, 28, 70, 140, 350];
const RANKS = [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const BANDWIDTHS = [1, 3, 12.5, 25, 50, 100, 200, 300, 450, 900];
const LATENCIES = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const BUCKETS = [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 14000, 100000];
const [HIGH, LANE, GAP, FOOT] = [24, 20, 26, 22];
const SEEN = 5; // pixels from which on a bucket is drawn by itself

type State = Job & { all: ReturnType<typeof ways> };

/** A step's time line twice: the gradients' all-reduce after the backward pass, and in buckets beneath it. */
export function mount(stage: HTMLElement, params: Record<string, unknown>): void {
  const sentence = new Sentence();
  const numbers = new Numbers(t("A step's time by way of sending"), [t("Gradients are sent"), t("Network busy"), t("Not hidden"), t("Step"), t("Hidden")]);
  const controls = new Controls(() => show());
  addControls(controls, params);
  let state = stateOf(controls);
  const drawing = new Drawing((width) => draw(width, state));
  const show = (): void => {
    state = stateOf(controls);
    drawing.update();
    sentence.say(inWords(state));
    numbers.show(rows(state), 2);
  };
  const swatches = [
    [t("Forward"), [box("slot forward", 0, 1, 22, 10)]],
    [t("Backward"), [box("slot backward", 0.5, 1, 21, 10)]],
    [t("All-reduce"), network(0.5, 1, 21, 10)],
  ] as const;
  stage.replaceChildren(controls.box, legend(swatches), drawing.box, sentence.box, numbers.box);
  show();
}

function addControls(controls: Controls, params: Record<string, unknown>): void {
  const add = (name: string, text: string, min: number, max: number, step: number, steps?: readonly number[]): void =>
    controls.addNumber({ name, label: text, min, max, step, value: Number(params[name]), ...(steps ? { steps } : {}) });
  add("gradients", t("Gradients, GB"), 0.1, 1000, 0.1, GRADIENTS);
  add("ranks", t("Ranks"), 2, 1024, 1, RANKS);
  add("bandwidth", t("Link, GB/s"), 1, 1000, 0.1, BANDWIDTHS);
  add("latency", t("Latency of a message, µs"), 0, 1000, 0.1, LATENCIES);
  add("backward", t("Backward pass, ms"), 1, 10_000, 1, [20, 50, 100, 200, 287, 500, 1000, 2000, 5000, 10_000]);
  add("bucket", t("Bucket, MB"), 1, 100_000, 1, BUCKETS);
}

function stateOf(controls: Controls): State {
  const job = {
    gradients: controls.number("gradients") * 1e9,
    bucket: controls.number("bucket") * 1e6,
    backward: controls.number("backward") / 1e3,
    network: { ranks: controls.number("ranks"), latency: controls.number("latency") / 1e6, bandwidth: controls.number("bandwidth") * 1e9 },
  };
  return { ...job, all: ways(job) };
}

function hidden({ network: busy, shown }: Way): string {
  return percent(1 - shown / busy, 0);
}

function inWords(state: State): string {
  const { gradients, bucket, backward, network: ring_, all } = state;
  const count = buckets(gradients, bucket).length;
  const facts = { sent: bytes(sent(gradients, ring_.ranks)), whole: seconds(all.whole.network), step: seconds(all.beneath.step), from: seconds(all.whole.step) };
  const first = t("Each of {ranks} ranks sends {sent}, which takes {whole} at once.", { ...facts, ranks: ring_.ranks });
  if (count === 1) return `${first} ${t("One bucket is full only when the backward pass is over, so nothing hides: {step} a step.", facts)}`;
  const second = plural("In {n} bucket beneath the backward pass a step takes {step} instead of {from}:", "In {n} buckets beneath the backward pass a step takes {step} instead of {from}:", count, { ...facts, n: fixed(count) });
  if (all.beneath.shown < 0.02 * backward) return `${first} ${second} ${t("the network hides.")}`;
  const wait = (2 * (ring_.ranks - 1) * ring_.latency * count) / all.after.network;
  const why = wait > 0.5 ? t("mostly latency, {share} of it. Make the buckets larger.", { share: percent(wait, 0) }) : t("the network is the slower of the two.");
  return `${first} ${second} ${all.after.network > backward ? why : t("the last bucket still has to go round.")}`;
}

function rows({ gradients, bucket, all }: State): string[][] {
  const count = buckets(gradients, bucket).length;
  const line = (name: string, way: Way): string[] => [name, seconds(way.network), seconds(way.shown), seconds(way.step), hidden(way)];
  return [
    line(t("at once, afterwards"), all.whole),
    line(plural("in {n} bucket, afterwards", "in {n} buckets, afterwards", count, { n: fixed(count) }), all.after),
    line(plural("in {n} bucket, beneath", "in {n} buckets, beneath", count, { n: fixed(count) }), all.beneath),
  ];
}

/** Time in which the network is busy; striped, so that colour is not alone. */
function network(x: number, y: number, width: number, high: number): SVGElement[] {
  const lines = stripes(x, y, width, high);
  for (const line of lines) line.classList.add("network");
  return [box("slot network", x, y, width, high), ...lines];
}

function draw(width: number, state: State): { height: number; nodes: Node[] } {
  const { whole, beneath } = state.all;
  const scale = (width - 2) / Math.max(whole.step, beneath.step);
  const begin = forward(state) * scale;
  const end = begin + state.backward * scale;
  const passes = (y: number): Node[] => [box("slot forward", 0, y, begin - 1, LANE), box("slot backward", begin, y, end - begin - 1, LANE)];
  const second = HIGH + 2 * LANE + GAP + HIGH;
  const nodes = [
    ...heading(t("Afterwards"), whole, width, HIGH),
    ...passes(HIGH),
    ...network(end, HIGH + LANE + 2, whole.network * scale, LANE),
    ...heading(t("Beneath the backward pass"), beneath, width, second),
    ...passes(second),
    ...transfers(state, begin, scale, second + LANE + 2),
    rule("limit kept", end, HIGH - 3, end, HIGH + 2 * LANE + 5),
    rule("limit kept", end, second - 3, end, second + 2 * LANE + 5),
  ];
  const height = second + 2 * LANE + FOOT;
  const anchor = end > width - 130 ? "end" : "start";
  return { height, nodes: [...nodes, label(t("backward pass ends"), end + (anchor === "end" ? -4 : 4), height - 3, anchor)] };
}

function heading(name: string, way: Way, width: number, y: number): SVGElement[] {
  return [label(name, 0, y - 8, "start", "label chosen"), label(t("{step} a step", { step: seconds(way.step) }), width, y - 8, "end", "label chosen")];
}

/** Buckets too small to be seen are drawn as the stretches in which the network rests not once. */
function transfers({ gradients, bucket, backward, network: link }: State, begin: number, scale: number, y: number): SVGElement[] {
  const all = overlapped(buckets(gradients, bucket), backward, link);
  const isSeen = ring(Math.min(bucket, gradients), link) * scale >= SEEN;
  if (isSeen) return all.flatMap(({ from, to }) => network(begin + from * scale, y, (to - from) * scale - 1, LANE));
  const first = all[0]?.from ?? 0;
  const share = all.reduce((sum, { from, to }) => sum + to - from, 0) / ((all.at(-1)?.to ?? 1) - first);
  const high = Math.max(2, share * LANE); // as high as the share of the time in which it is busy
  return network(begin + first * scale, y + LANE - high, ((all.at(-1)?.to ?? 0) - first) * scale, high);
}
