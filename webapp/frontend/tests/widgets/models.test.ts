import { describe, expect, it } from "vitest";

import { largestRank, share, trained } from "../../src/widgets/arithmetic/lora_count";
import { elements, type Model, MODEL_NAMES, MODELS, type Module, MODULES, multiplied, shape } from "../../src/widgets/arithmetic/models";

const SMALL = MODELS.smollm2_135m;
const ALL = new Set(MODULES);
const QV = new Set<Module>(["q", "v"]);

describe("models", () => {
  // Published: the sum over each checkpoint's tensors.
  it.each([
    ["smollm2_135m", 134_515_008],
    ["smollm2_360m", 361_821_120],
    ["smollm2_1b7", 1_711_376_384],
    ["llama2_7b", 6_738_415_616],
    ["llama3_8b", 8_030_261_248],
    ["llama3_70b", 70_553_706_496],
  ] as const)("%s has the published number of elements", (name, expected) => {
    expect(elements(MODELS[name])).toBe(expected);
  });

  it("have the lesson's shapes: grouped queries make keys and values narrow", () => {
    expect(shape(SMALL, "q")).toEqual([576, 576]);
    expect(shape(SMALL, "k")).toEqual([192, 576]);
    expect(shape(SMALL, "v")).toEqual([192, 576]);
    expect(shape(SMALL, "down")).toEqual([576, 1536]);
  });

  it("multiply what lesson 3 counts: 7.505 of Llama's 8.030 billion", () => {
    expect(multiplied(MODELS.llama3_8b) / 1e9).toBeCloseTo(7.505, 3);
    expect(multiplied(SMALL)).toBe(134_515_008 - 61 * 576); // all but the norms: the head is the embedding
  });
});

describe("LoRA", () => {
  it("is the lesson's table", () => {
    const plan = { rank: 8, layers: 30 };
    expect(trained(SMALL, { ...plan, targets: QV })).toBe(460_800);
    expect(trained(SMALL, { ...plan, targets: new Set<Module>(["q", "k", "v", "o"]) })).toBe(921_600);
    expect(trained(SMALL, { ...plan, targets: ALL })).toBe(2_442_240);
    expect(100 * share(SMALL, { ...plan, targets: ALL })).toBeCloseTo(1.816, 3);
    expect(100 * share(SMALL, { ...plan, targets: QV })).toBeCloseTo(0.343, 3);
  });

  it("answers the lesson's quiz: rank 4 on all seven is the largest below one percent", () => {
    expect(largestRank(SMALL, { targets: ALL, rank: 1, layers: 30 }, 0.01)).toBe(4);
    expect(largestRank(SMALL, { targets: QV, rank: 1, layers: 30 }, 0.01)).toBe(23);
    expect(largestRank(SMALL, { targets: new Set(), rank: 1, layers: 30 }, 0.01)).toBe(0);
    expect(largestRank(SMALL, { targets: ALL, rank: 1, layers: 30 }, 0.001)).toBe(0);
  });

  it.each(MODEL_NAMES)("finds by formula the largest rank that trying finds: %s", (name) => {
    const of = MODELS[name];
    const plan = { targets: ALL, rank: 1, layers: of.layers };
    let rank = 0;
    while (share(of, { ...plan, rank: rank + 1 }) < 0.01) rank++;
    expect(largestRank(of, plan, 0.01)).toBe(rank);
  });

  it("is what counting the factors' elements finds", () => {
    let count = 0;
    for (let layer = 0; layer < 3; layer++) {
      for (const module of MODULES) {
        const [out, into] = shape(SMALL, module);
        for (let r = 0; r < 5; r++) {
          for (let i = 0; i < into; i++) count++;
          for (let i = 0; i < out; i++) count++;
        }
      }
    }
    expect(trained(SMALL, { targets: ALL, rank: 5, layers: 3 })).toBe(count);
  });

  // Hu et al. 2021, table 4: 4.7 M at r_q = r_v = 1 and 37.7 M at 8, of GPT-3's 96 layers of width 12,288.
  it.each([[1, 4.7], [8, 37.7]])("is the paper's figure for GPT-3 at rank %i: %f million", (rank, millions) => {
    const gpt3: Model = { name: "GPT-3", layers: 96, width: 12_288, inner: 49_152, heads: 96, kvHeads: 96, headDim: 128, words: 50_257, tied: true };
    expect(trained(gpt3, { targets: QV, rank, layers: 96 }) / 1e6).toBeCloseTo(millions, 1);
  });

  it("is what peft prints for rank 16 on all linear layers of Llama 3.1 8B: 41,943,040", () => {
    expect(trained(MODELS.llama3_8b, { targets: ALL, rank: 16, layers: 32 })).toBe(41_943_040);
  });
});
