import { describe, expect, it } from "vitest";

import { bubble, fewest, held, holding, pipe, type Schedule, SCHEDULES } from "../../src/widgets/arithmetic/pipeline";

const SIZES = [[2, 1], [2, 7], [4, 3], [4, 8], [5, 16], [8, 8], [16, 40]] as const;

describe.each(SCHEDULES)("%s", (schedule: Schedule) => {
  it.each(SIZES)("runs every pass once, in an order that can be: %i stages, %i microbatches", (stages, micros) => {
    const { slots, length } = pipe(stages, micros, schedule);
    const at = new Map(slots.map((slot) => [`${slot.pass} ${slot.stage} ${slot.micro}`, slot]));
    expect([slots.length, at.size]).toEqual([2 * stages * micros, 2 * stages * micros]);
    for (const { stage, micro, pass, from, to } of slots) {
      expect(to - from).toBe(pass === "forward" ? 1 : 2);
      const before = pass === "forward" ? `forward ${stage - 1} ${micro}` : stage === stages - 1 ? `forward ${stage} ${micro}` : `backward ${stage + 1} ${micro}`;
      expect(from).toBeGreaterThanOrEqual(at.get(before)?.to ?? 0);
      expect(to).toBeLessThanOrEqual(length);
    }
    for (let stage = 0; stage < stages; stage++) {
      const own = slots.filter((slot) => slot.stage === stage);
      own.forEach((slot, index) => expect(slot.from).toBeGreaterThanOrEqual(own[index - 1]?.to ?? 0));
    }
  });

  it.each(SIZES)("waits as the formula says: %i stages, %i microbatches", (stages, micros) => {
    const { slots, length } = pipe(stages, micros, schedule);
    const busy = slots.reduce((sum, { from, to }) => sum + to - from, 0);
    expect(1 - busy / (stages * length)).toBeCloseTo(bubble(stages, micros), 12);
  });

  it.each(SIZES)("holds as many activations as it says: %i stages, %i microbatches", (stages, micros) => {
    const line = pipe(stages, micros, schedule);
    for (let stage = 0; stage < stages; stage++) {
      const own = line.slots.filter((slot) => slot.stage === stage);
      let most = 0; // by looking at every half unit who has begun forward and not ended backward
      for (let time = 0.25; time < line.length; time += 0.5) {
        const begun = own.filter(({ pass, from }) => pass === "forward" && from < time).length;
        const ended = own.filter(({ pass, to }) => pass === "backward" && to < time).length;
        most = Math.max(most, begun - ended);
      }
      expect(held(stage, stages, micros, schedule)).toBe(most);
      const steps = holding(line, stage);
      expect(Math.max(...steps.map(([, count]) => count))).toBe(most);
      expect(steps.at(-1)).toEqual([own.at(-1)?.to, 0]);
    }
  });
});

describe("the bubble", () => {
  it("is the lesson's: 47 % of eight and eight, 10 % with 64", () => {
    expect(bubble(8, 8)).toBeCloseTo(0.467, 3);
    expect(bubble(8, 64)).toBeCloseTo(0.0986, 4);
  });

  it("is small from four microbatches a stage on, as GPipe reports (Huang et al. 2019, 2.3)", () => {
    for (const stages of [2, 4, 8, 16]) expect(bubble(stages, 4 * stages)).toBeLessThan(0.2);
  });

  it("answers the lesson's quiz: four stages at ten percent need 27", () => {
    expect(fewest(4, 0.1)).toBe(27);
    expect(fewest(8, 0.1)).toBe(63);
    for (const stages of [2, 3, 9, 16]) {
      const micros = fewest(stages, 0.05);
      expect(bubble(stages, micros)).toBeLessThanOrEqual(0.05 + 1e-12);
      expect(bubble(stages, micros - 1)).toBeGreaterThan(0.05);
    }
  });
});
