import { describe, expect, it } from "vitest";

import { type Model, MODELS } from "../../src/widgets/arithmetic/models";
import { CHIPS, decode, intensity, isBoundByMemory, prefill, ridge, room, seconds, sequences, tokenBytes } from "../../src/widgets/arithmetic/serving";

const LLAMA = MODELS.llama3_8b;
const SMALL = MODELS.smollm2_135m;
const PLAIN = { weights: 2, cache: 2 };
const OPT: Model = { name: "OPT-13B", layers: 40, width: 5120, inner: 20_480, heads: 40, kvHeads: 40, headDim: 128, words: 50_272, tied: true };

describe("the cache", () => {
  it("of OPT-13B is 800 KiB a token, as Kwon et al. 2023 say, and 128 KiB of Llama 3.1 8B", () => {
    expect(tokenBytes(OPT, 2)).toBe(800 * 1024);
    expect(tokenBytes(LLAMA, 2)).toBe(128 * 1024);
  });

  it.each([
    [2, 2, 55.9, 52],
    [1, 2, 64.0, 59],
    [2, 1, 55.9, 104],
    [1, 1, 64.0, 119],
  ])("is the lesson's table: weights of %i bytes, cache of %i", (weights, cache, left, count) => {
    expect(room(LLAMA, 80e9, { weights, cache }) / 1e9).toBeCloseTo(left, 1);
    expect(sequences(LLAMA, 8192, 80e9, { weights, cache })).toBe(count);
  });

  it("takes what counting every number finds", () => {
    let numbers = 0;
    for (let layer = 0; layer < SMALL.layers; layer++) for (let head = 0; head < SMALL.kvHeads; head++) for (let at = 0; at < SMALL.headDim; at++) numbers += 2;
    expect(tokenBytes(SMALL, 1)).toBe(numbers);
  });

  it("fits nowhere when the weights do not", () => {
    expect(sequences(MODELS.llama3_70b, 1, 80e9, PLAIN)).toBe(0);
    expect(room(MODELS.llama3_70b, 80e9, PLAIN)).toBeLessThan(0);
  });

  it("fits once where one more token would not", () => {
    const memory = (room(LLAMA, 0, PLAIN) * -1 + 100 * tokenBytes(LLAMA, 2)) / 0.9 + 1;
    expect(sequences(LLAMA, 100, memory, PLAIN)).toBe(1);
    expect(sequences(LLAMA, 101, memory, PLAIN)).toBe(0);
  });
});

describe("the roofline", () => {
  it("has the lesson's ridges", () => {
    expect([CHIPS.a100, CHIPS.h100, CHIPS.h200].map((chip) => Math.round(ridge(chip)))).toEqual([153, 295, 206]);
  });

  it.each([
    [256, [223, 3448, 36_339]],
    [2048, [219, 2776, 10_243]],
    [8192, [208, 1665, 2958]],
  ])("gives the lesson's tokens a second at %i tokens of context", (context, expected) => {
    [1, 16, 256].forEach((batch, index) => {
      const rate = batch / seconds(decode(LLAMA, batch, context, PLAIN), CHIPS.h100);
      expect(rate / (expected[index] ?? NaN)).toBeCloseTo(1, 2); // the lesson counts 7.505 billion weights
    });
  });

  it("gives the lesson's prompt of 8,192: 142 ms, bound by arithmetic", () => {
    const work = prefill(LLAMA, 8192, PLAIN);
    expect(work.flops / 1e14).toBeCloseTo(1.23 + 0.18, 2);
    expect(1e3 * seconds(work, CHIPS.h100)).toBeCloseTo(142, 0);
    expect(isBoundByMemory(work, CHIPS.h100)).toBe(false);
  });

  it("never lets long texts be bound by arithmetic: 18 FLOP per byte at 8,192 tokens, however many", () => {
    expect(intensity(decode(LLAMA, 1e9, 8192, PLAIN))).toBeCloseTo(18, 0);
    expect(intensity(decode(LLAMA, 1e9, 392, PLAIN))).toBeGreaterThan(ridge(CHIPS.h100));
    expect(intensity(decode(LLAMA, 1e9, 394, PLAIN))).toBeLessThan(ridge(CHIPS.h100));
  });

  it("adds up what decoding a prompt token by token would compute", () => {
    let flops = 0;
    for (let context = 0; context < 64; context++) flops += decode(SMALL, 1, context + 0.5, PLAIN).flops; // a query meets itself, half in the mean
    expect(prefill(SMALL, 64, PLAIN).flops).toBeCloseTo(flops, -3);
  });
});
