import { describe, expect, it } from "vitest";

import { uniforms } from "../src/widgets/arithmetic/draws";
import { crossing, firstCrossing, naiveBars, pocockBars, quantile, scores, sequenceBars, shareCrossing, tail } from "../src/widgets/arithmetic/peeking";
import { bytesPerParameter, type Job, perRank, smallestStage, type Stage, STAGES, total } from "../src/widgets/arithmetic/zero_memory";
import { nearest } from "../src/widgets/kit/controls";

const SEVEN: Job = { params: 7, ranks: 8, precision: "mixed", optimizer: "adam" };

describe("memory per rank", () => {
  it("costs sixteen bytes a parameter with Adam in mixed precision", () => {
    expect(bytesPerParameter(SEVEN)).toEqual({ weights: 2, gradients: 2, optimizer: 12 });
    expect(bytesPerParameter({ precision: "fp32", optimizer: "adam" })).toEqual({ weights: 4, gradients: 4, optimizer: 8 });
    expect(bytesPerParameter({ precision: "bf16", optimizer: "adam" })).toEqual({ weights: 2, gradients: 2, optimizer: 4 });
    expect(bytesPerParameter({ precision: "mixed", optimizer: "adam8bit" }).optimizer).toBe(6);
    expect(bytesPerParameter({ precision: "mixed", optimizer: "sgd" }).optimizer).toBe(4);
  });

  it.each([
    [1, [112, 112, 112, 112]],
    [8, [112, 38.5, 26.25, 14]],
    [64, [112, 29.3125, 15.53125, 1.75]],
  ])("is the lesson's table on %i ranks", (ranks, expected) => {
    expect(STAGES.map((stage) => total(perRank({ ...SEVEN, ranks }, stage)))).toEqual(expected);
  });

  it("answers the lesson's quiz: ZeRO-2, 13 billion, 16 ranks", () => {
    expect(total(perRank({ ...SEVEN, params: 13, ranks: 16 }, 2))).toBeCloseTo(37.375, 9);
  });

  it.each(STAGES)("is what counting parameter by parameter finds at stage %i", (stage: Stage) => {
    const job: Job = { params: 240e-9, ranks: 6, precision: "mixed", optimizer: "momentum" };
    let bytes = 0; // of rank 0, which owns every sixth parameter
    for (let parameter = 0; parameter < 240; parameter++) {
      const isOwner = parameter % job.ranks === 0;
      bytes += stage < 3 || isOwner ? 2 : 0;
      bytes += stage < 2 || isOwner ? 2 : 0;
      bytes += stage < 1 || isOwner ? 4 + 4 : 0;
    }
    expect(total(perRank(job, stage)) * 1e9).toBeCloseTo(bytes, 6);
  });

  it("finds the smallest stage that fits, or none", () => {
    expect(smallestStage(SEVEN, 80)).toBe(1);
    expect(smallestStage(SEVEN, 26.25)).toBe(2);
    expect(smallestStage(SEVEN, 26.24)).toBe(3);
    expect(smallestStage(SEVEN, 13.9)).toBeNull();
    expect(smallestStage({ ...SEVEN, params: 1.3 }, 80)).toBe(0);
  });
});

describe("the normal distribution", () => {
  it("has the quantiles of every table", () => {
    expect(quantile(0.05)).toBeCloseTo(1.644854, 5);
    expect(quantile(0.025)).toBeCloseTo(1.959964, 5);
    expect(quantile(0.95)).toBeCloseTo(-1.644854, 5);
    expect(tail(0)).toBeCloseTo(0.5, 9);
  });
});

describe("peeking", () => {
  // Armitage, McPherson and Rowe 1969: two-sided 5 %, as in the lesson's table.
  it.each([[1, 5.0], [2, 8.3], [3, 10.7], [5, 14.2], [10, 19.3], [20, 24.8]])("at %i looks gives %f %% false positives", (looks, percent) => {
    expect(100 * crossing(naiveBars(looks, 0.05, 2), 2)).toBeCloseTo(percent, 1);
  });

  it("is 8.0 % for two one-sided looks, as the lesson computes", () => {
    expect(crossing(naiveBars(2, 0.05, 1), 1)).toBeCloseTo(0.08, 3);
  });

  // Pocock 1977, two-sided 5 %.
  it.each([[2, 2.178], [3, 2.289], [4, 2.361], [5, 2.413], [10, 2.555]])("needs Pocock's bar at %i looks: %f", (looks, bar) => {
    expect(pocockBars(looks, 0.05, 2)[0]).toBeCloseTo(bar, 2);
    expect(crossing(pocockBars(looks, 0.05, 2), 2)).toBeCloseTo(0.05, 5);
  });

  it.each([1, 2] as const)("is harmless with the confidence sequence (%i-sided), which is higher than one look asks", (sides) => {
    let before = 0;
    for (const looks of [1, 5, 20, 40]) {
      const bars = sequenceBars(looks, 0.05, sides);
      expect(crossing(bars, sides)).toBeGreaterThan(before); // a coarse integral once said 0 for the most looks
      before = crossing(bars, sides);
      expect(before).toBeLessThan(0.05);
      expect(Math.min(...bars)).toBeGreaterThan(quantile(0.05 / sides));
    }
  });

  it("has the lesson's radius at the end of the fixed design: 0.85 of the effect", () => {
    const bar = sequenceBars(1, 0.05, 1)[0] ?? NaN;
    expect(bar * Math.sqrt(1 / (2 * quantile(0.05)) ** 2)).toBeCloseTo(0.85, 2);
  });

  it.each([[10, 2], [40, 1], [40, 2]] as const)("draws what the integral says: %i looks, %i-sided", (looks, sides) => {
    const paths = scores(10_000, looks, 7);
    const bars = naiveBars(looks, 0.05, sides);
    const [expected, found] = [crossing(bars, sides), shareCrossing(paths, bars, sides)];
    expect(Math.abs(found - expected)).toBeLessThan(4 * Math.sqrt((expected * (1 - expected)) / paths.length));
  });

  it("finds the first look beyond the bar", () => {
    expect(firstCrossing([0, -3, 3], [2, 2, 2], 2)).toBe(1);
    expect(firstCrossing([0, -3, 3], [2, 2, 2], 1)).toBe(2);
    expect(firstCrossing([0, 1], [2, 2], 2)).toBe(-1);
  });
});

describe("the generator", () => {
  it("draws the same from the same seed, and otherwise from another", () => {
    const take = (seed: number): number[] => Array.from({ length: 5 }, uniforms(seed));
    expect(take(1)).toEqual(take(1));
    expect(take(1)).not.toEqual(take(2));
  });

  it("is even, and its normals have mean 0 and variance 1", () => {
    const uniform = uniforms(3);
    const tenths = Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i++) {
      const at = Math.floor(10 * uniform());
      tenths[at] = (tenths[at] ?? 0) + 1;
    }
    for (const count of tenths) expect(Math.abs(count - 2000)).toBeLessThan(4 * Math.sqrt(2000 * 0.9));
    const normals = scores(20_000, 1, 5).flat();
    const mean = normals.reduce((sum, x) => sum + x, 0) / normals.length;
    const variance = normals.reduce((sum, x) => sum + x * x, 0) / normals.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.04);
  });
});

describe("a slider's stops", () => {
  it("takes the nearest", () => {
    expect(nearest([1, 2, 4, 8], 5)).toBe(2);
    expect(nearest([1, 2, 4, 8], 100)).toBe(3);
  });
});
