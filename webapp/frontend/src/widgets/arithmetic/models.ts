/** Real language models by their shapes, and what follows from them: the arithmetic of lessons 2 and 3. */

export const MODULES = ["q", "k", "v", "o", "gate", "up", "down"] as const;
export type Module = (typeof MODULES)[number];

export interface Model {
  name: string;
  layers: number;
  width: number;
  inner: number; // of the feed-forward block
  heads: number;
  kvHeads: number;
  headDim: number;
  words: number;
  tied: boolean; // the output head is the embedding, used twice and counted once
}

const model = (name: string, [layers, width, inner]: [number, number, number], [heads, kvHeads, headDim]: [number, number, number], words: number, tied: boolean): Model => ({ name, layers, width, inner, heads, kvHeads, headDim, words, tied });

/** From each model's own config.json. */
export const MODELS = {
  smollm2_135m: model("SmolLM2-135M", [30, 576, 1536], [9, 3, 64], 49_152, true),
  smollm2_360m: model("SmolLM2-360M", [32, 960, 2560], [15, 5, 64], 49_152, true),
  smollm2_1b7: model("SmolLM2-1.7B", [24, 2048, 8192], [32, 32, 64], 49_152, true),
  llama2_7b: model("Llama 2 7B", [32, 4096, 11_008], [32, 32, 128], 32_000, false),
  llama3_8b: model("Llama 3.1 8B", [32, 4096, 14_336], [32, 8, 128], 128_256, false),
  llama3_70b: model("Llama 3.1 70B", [80, 8192, 28_672], [64, 8, 128], 128_256, false),
} as const;
export type ModelName = keyof typeof MODELS;
export const MODEL_NAMES = Object.keys(MODELS) as ModelName[];

/** Outputs × inputs. With grouped queries keys and values are narrower than queries. */
export function shape({ width, inner, heads, kvHeads, headDim }: Model, module: Module): [out: number, into: number] {
  const [queries, keys] = [heads * headDim, kvHeads * headDim];
  const shapes: Record<Module, [number, number]> = {
    q: [queries, width], k: [keys, width], v: [keys, width], o: [width, queries],
    gate: [inner, width], up: [inner, width], down: [width, inner],
  };
  return shapes[module];
}

function linear(of: Model): number {
  return of.layers * MODULES.reduce((sum, module) => sum + shape(of, module)[0] * shape(of, module)[1], 0);
}

/** All elements: embedding, head where it is another matrix, layers, two norms a layer and the last one. */
export function elements(of: Model): number {
  return of.words * of.width * (of.tied ? 1 : 2) + linear(of) + (2 * of.layers + 1) * of.width;
}

/** Weights that take part in matrix products: the layers and the head. The embedding is looked up. */
export function multiplied(of: Model): number {
  return linear(of) + of.words * of.width;
}
