/** Pipeline schedules, by what waits for what: the arithmetic of lesson 1. A forward pass of a microbatch takes one unit. */

export const SCHEDULES = ["gpipe", "1f1b"] as const;
export type Schedule = (typeof SCHEDULES)[number];
export type Pass = "forward" | "backward";

const TAKES: Record<Pass, number> = { forward: 1, backward: 2 };

export interface Slot {
  stage: number;
  micro: number;
  pass: Pass;
  from: number;
  to: number;
}

export interface Pipe {
  slots: Slot[]; // in each stage's own order
  length: number;
}

/** What a stage does, one after the other. 1F1B begins with as many forward passes as there are stages after it. */
function orders(stage: number, stages: number, micros: number, schedule: Schedule): [Pass, number][] {
  const ahead = schedule === "gpipe" ? micros : Math.min(stages - 1 - stage, micros);
  const order: [Pass, number][] = [];
  for (let micro = 0; micro < ahead; micro++) order.push(["forward", micro]);
  for (let micro = ahead; micro < micros; micro++) order.push(["forward", micro], ["backward", micro - ahead]);
  for (let micro = micros - ahead; micro < micros; micro++) order.push(["backward", micro]);
  return order;
}

/** Every pass begins when its stage is free and its neighbour has sent what it needs. */
export function pipe(stages: number, micros: number, schedule: Schedule): Pipe {
  const waiting = Array.from({ length: stages }, (_, stage) => orders(stage, stages, micros, schedule));
  const free = Array<number>(stages).fill(0);
  const done = new Map<string, number>();
  const slots: Slot[] = [];
  let before: number;
  do {
    before = slots.length;
    waiting.forEach((order, stage) => {
      for (let todo = order[0]; todo !== undefined; todo = order[0]) {
        const [pass, micro] = todo;
        const ready = readyAt(done, stage, stages, pass, micro);
        if (ready === undefined) return;
        order.shift();
        const from = Math.max(free[stage] ?? 0, ready);
        const to = from + TAKES[pass];
        slots.push({ stage, micro, pass, from, to });
        done.set(`${pass} ${stage} ${micro}`, to);
        free[stage] = to;
      }
    });
  } while (slots.length > before);
  return { slots, length: Math.max(...free) };
}

function readyAt(done: Map<string, number>, stage: number, stages: number, pass: Pass, micro: number): number | undefined {
  if (pass === "forward") return stage === 0 ? 0 : done.get(`forward ${stage - 1} ${micro}`);
  return done.get(stage === stages - 1 ? `forward ${stage} ${micro}` : `backward ${stage + 1} ${micro}`);
}

/** The share of all stages' time in which they wait. Both schedules have it. */
export function bubble(stages: number, micros: number): number {
  return (stages - 1) / (micros + stages - 1);
}

/** The most microbatches whose activations a stage keeps at once; the first is stage 0. */
export function held(stage: number, stages: number, micros: number, schedule: Schedule): number {
  return schedule === "gpipe" ? micros : Math.min(micros, stages - stage);
}

/** How many microbatches a stage keeps, as steps [time, from then on]: one more when a forward pass begins, one less when a backward pass ends. */
export function holding({ slots }: Pipe, stage: number): [number, number][] {
  const changes = slots.filter((slot) => slot.stage === stage).map(({ pass, from, to }): [number, number] => (pass === "forward" ? [from, 1] : [to, -1]));
  changes.sort(([a, up], [b, other]) => a - b || up - other); // at one instant the end comes first
  let now = 0;
  return changes.map(([at, change]) => [at, (now += change)]);
}

/** The fewest microbatches that keep the bubble at or below a share. */
export function fewest(stages: number, share: number): number {
  return Math.max(1, Math.ceil(((stages - 1) * (1 - share)) / share - 1e-9));
}
