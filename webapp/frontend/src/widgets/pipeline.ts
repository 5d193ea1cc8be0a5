import { plural, t } from "../lib/i18n";
import { bubble, fewest, held, holding, pipe, type Pipe, type Schedule, SCHEDULES } from "./arithmetic/pipeline";
import { Controls } from "./kit/controls";
import { box, Drawing, label, legend, Numbers, rule, Sentence, svg } from "./kit/drawing";
import { percent, rough } from "./kit/words";

const MICROS = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64];
const AIM = 0.1; // the bubble that the sentence asks for
const [TOP, FOOT, HELD] = [4, 40, 72];
const [WIDEST, NARROWEST] = [26, 14]; // heights of a stage's line
const [NUMBERED, OUTLINED] = [11, 4]; // pixels that a slot needs for its number, and for a line around it

interface State {
  stages: number;
  micros: number;
  schedule: Schedule;
  gb: number;
  pipe: Pipe;
}

/** A pipeline's timetable: who waits, and how many microbatches' activations the first stage holds. */
export function mount(stage: HTMLElement, params: Record<string, unknown>): void {
  const sentence = new Sentence();
  const numbers = new Numbers(t("Schedules compared"), [t("Schedule"), t("Idle"), t("Held on the first stage"), t("On the last"), t("Activations on the first")]);
  const controls = new Controls(() => show());
  addControls(controls, params);
  let state = stateOf(controls);
  const drawing = new Drawing((width) => draw(width, state));
  const show = (): void => {
    state = stateOf(controls);
    drawing.update();
    sentence.say(inWords(state));
    numbers.show(SCHEDULES.map((each) => row(state, each)), SCHEDULES.indexOf(state.schedule));
  };
  const swatches = [
    [t("Forward"), [box("slot forward", 0, 1, 11, 10)]],
    [t("Backward, twice as long"), [box("slot backward", 0.5, 1, 21, 10)]],
    [t("Idle"), [box("idle", 0.5, 1, 21, 10)]],
  ] as const;
  stage.replaceChildren(controls.box, legend(swatches), drawing.box, sentence.box, numbers.box);
  show();
}

function addControls(controls: Controls, params: Record<string, unknown>): void {
  const number = (name: string): number => Number(params[name]);
  controls.addNumber({ name: "stages", label: t("Stages"), min: 2, max: 16, step: 1, value: number("stages") });
  controls.addNumber({ name: "microbatches", label: t("Microbatches"), min: 1, max: 64, step: 1, value: number("microbatches"), steps: MICROS });
  controls.addChoice({ name: "schedule", label: t("Schedule"), value: String(params["schedule"]), options: SCHEDULES.map((each) => [each, scheduleName(each)] as const) });
  controls.addNumber({ name: "activations", label: t("Activations of one, GB"), min: 0.1, max: 50, step: 0.1, value: number("activations") });
}

function scheduleName(schedule: Schedule): string {
  return schedule === "gpipe" ? "GPipe" : "1F1B";
}

function stateOf(controls: Controls): State {
  const [stages, micros, schedule] = [controls.number("stages"), controls.number("microbatches"), controls.choice("schedule") as Schedule];
  return { stages, micros, schedule, gb: controls.number("activations"), pipe: pipe(stages, micros, schedule) };
}

function inWords({ stages, micros, schedule, gb }: State): string {
  const most = held(0, stages, micros, schedule);
  const other = schedule === "gpipe" ? "1f1b" : "gpipe";
  const otherMost = held(0, stages, micros, other);
  const idle = plural("{stages} stages and {n} microbatch: {idle} of the time is idle.", "{stages} stages and {n} microbatches: {idle} of the time is idle.", micros, { stages, idle: percent(bubble(stages, micros)) });
  const holds = t("{schedule} holds the activations of {most} on the first stage, {gb} GB;", { schedule: scheduleName(schedule), most, gb: rough(most * gb) });
  const beside = most === otherMost ? t("so would {other}.", { other: scheduleName(other) }) : t("{other} would hold {most}, {gb} GB.", { other: scheduleName(other), most: otherMost, gb: rough(otherMost * gb) });
  return `${idle} ${holds} ${beside} ${t("At most {aim} idle takes {fewest} microbatches.", { aim: percent(AIM, 0), fewest: fewest(stages, AIM) })}`;
}

function row({ stages, micros, gb }: State, schedule: Schedule): string[] {
  const most = held(0, stages, micros, schedule);
  return [scheduleName(schedule), percent(bubble(stages, micros)), String(most), String(held(stages - 1, stages, micros, schedule)), `${rough(most * gb)} GB`];
}

function draw(width: number, state: State): { height: number; nodes: Node[] } {
  const { stages, pipe: line } = state;
  const high = Math.max(NARROWEST, Math.min(WIDEST, Math.floor(224 / stages)));
  const left = 20;
  const scale = (width - left - 2) / line.length;
  const bottom = TOP + stages * high;
  const nodes: Node[] = [];
  for (let stage = 0; stage < stages; stage++) {
    nodes.push(label(String(stage + 1), left - 7, TOP + stage * high + high / 2 + 4, "end"), box("idle", left, TOP + stage * high, line.length * scale, high - 2));
  }
  for (const { stage, micro, pass, from, to } of line.slots) {
    const [x, y, wide] = [left + from * scale, TOP + stage * high, (to - from) * scale];
    nodes.push(box(wide < OUTLINED ? `slot ${pass} thin` : `slot ${pass}`, x, y, wide - (wide < OUTLINED ? 0.3 : 1), high - 2));
    if (wide >= NUMBERED + (micro > 8 ? 5 : 0)) nodes.push(label(String(micro + 1), x + wide / 2 - 0.5, y + high / 2 + 3, "middle", `label inside ${pass}`));
  }
  nodes.push(label(t("stage"), 0, bottom + 14), label(t("time →"), width - 2, bottom + 14, "end"));
  return { height: bottom + FOOT + HELD + 6, nodes: [...nodes, ...holds(state, left, scale, bottom + FOOT, width)] };
}

/** What the first stage holds over time, on the scale of what GPipe would hold. */
function holds({ stages, micros, schedule, gb, pipe: line }: State, left: number, scale: number, top: number, width: number): Node[] {
  const most = held(0, stages, micros, schedule);
  const base = top + HELD;
  const y = (count: number): number => base - (count / micros) * (HELD - 8);
  const points = [`${left},${base}`];
  let before = 0;
  for (const [at, count] of holding(line, 0)) {
    const x = (left + at * scale).toFixed(1);
    points.push(`${x},${y(before).toFixed(1)}`, `${x},${y(count).toFixed(1)}`);
    before = count;
  }
  const title = plural("held on stage 1: {n} microbatch at most, {gb} GB", "held on stage 1: {n} microbatches at most, {gb} GB", most, { gb: rough(most * gb) });
  return [label(title, left, top - 4), svg("polygon", { class: "held", points: points.join(" ") }), rule("axis", left, base, width - 2, base)];
}
