import { describe, expect, it } from "vitest";

import { FORMATS, levels, nearestLevel, NF4, rounded, scales, weights } from "../../src/widgets/arithmetic/quantisation";
import { quantile } from "../../src/widgets/arithmetic/peeking";

const PLAIN = weights(8192, 7, 0, 1);

describe("levels", () => {
  it("of NF4 are the paper's quantiles", () => {
    const places = (count: number): number[] => Array.from({ length: count - 1 }, (_, index) => 0.9677083 + (index * (0.5 - 0.9677083)) / (count - 1));
    const quantiles = (count: number): number[] => places(count).map((share) => quantile(1 - share));
    const made = [...quantiles(8).map((value) => -value), 0, ...quantiles(9)].sort((a, b) => a - b);
    const most = Math.max(...made);
    expect(NF4).toHaveLength(16);
    NF4.forEach((level, index) => expect(level).toBeCloseTo((made[index] ?? NaN) / most, 5));
  });

  it.each([["int8", 255], ["int4", 15], ["int3", 7], ["int2", 3]] as const)("of %s are %i, symmetric about an exact zero", (format, count) => {
    const found = levels(format);
    expect(found).toHaveLength(count);
    expect(found).toContain(0);
    expect(found.map((level) => -level).reverse().map((level) => level + 0)).toEqual(found.map((level) => level + 0));
  });

  it.each(FORMATS)("%s: halving finds the level that looking at all of them finds", (format) => {
    const among = levels(format);
    for (const value of PLAIN.slice(0, 500).map((each) => each / 4)) {
      const best = Math.min(...among.map((level) => Math.abs(level - value)));
      expect(Math.abs(nearestLevel(value, among) - value)).toBeCloseTo(best, 12);
    }
  });
});

describe("rounding", () => {
  it("costs the lessons' bits", () => {
    expect(rounded(PLAIN, "nf4", 64, 32).bits).toBe(4.5);
    expect(rounded(PLAIN, "int4", 128, 16).bits).toBe(4.125);
  });

  it("errs by the step over the root of twelve: 0.8 %, 15 % and, in groups of 128, 12 %", () => {
    expect(rounded(PLAIN, "int8", 4096, 16).error).toBeCloseTo(3.7 / 127 / Math.sqrt(12), 2);
    expect(rounded(PLAIN, "int4", 4096, 16).error).toBeCloseTo(0.15, 1);
    expect(rounded(PLAIN, "int4", 128, 16).error).toBeCloseTo(0.12, 1);
  });

  // Measured with bitsandbytes 0.50.2 on normal weights in blocks of 64: 9.2 to 9.7 %.
  it("in NF4 errs as the library does", () => {
    const { error } = rounded(PLAIN, "nf4", 64, 32);
    expect(error).toBeGreaterThan(0.088);
    expect(error).toBeLessThan(0.098);
  });

  it("meets every weight that is a level exactly", () => {
    expect(rounded([1, -1, 0, 2 / 7, 5, -5 / 7, 0, 0], "int4", 4, 16).error).toBeCloseTo(0, 12);
    expect(rounded([0, 0, 0, 1], "int4", 2, 16).error).toBe(0);
  });

  it("is spoilt by an outlier in its own block only", () => {
    const values = PLAIN.slice(0, 256);
    const spoilt = values.map((value, index) => (index === 3 ? 60 : value));
    const wrong = (of: number[], from: number): number => of.slice(from).length && rounded(of.slice(from), "int4", 64, 16).error;
    expect(wrong(spoilt, 64)).toBe(wrong(values, 64));
    expect(scales(spoilt, 64)[0]).toBe(60);
    expect(scales(spoilt, 64).slice(1)).toEqual(scales(values, 64).slice(1));
  });

  it("draws outliers as often as it says", () => {
    const found = weights(8192, 7, 1 / 128, 20);
    expect(found.filter((value, index) => value !== PLAIN[index])).toHaveLength(64);
  });
});
