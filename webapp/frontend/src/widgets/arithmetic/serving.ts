/** What a decoder keeps, reads and computes while it serves: the arithmetic of lesson 3. */

import { elements, type Model, multiplied } from "./models";

export interface Chip {
  name: string;
  flops: number; // dense bf16, a second
  bandwidth: number; // bytes a second
  memory: number; // bytes
}

const chip = (name: string, tera: number, terabytes: number, gigabytes: number): Chip => ({ name, flops: tera * 1e12, bandwidth: terabytes * 1e12, memory: gigabytes * 1e9 });

/** From the vendors' data sheets, without sparsity. */
export const CHIPS = {
  l4: chip("L4", 121, 0.3, 24),
  a100: chip("A100 SXM, 80 GB", 312, 2.04, 80),
  h100: chip("H100 SXM", 989, 3.35, 80),
  h200: chip("H200 SXM", 989, 4.8, 141),
} as const;
export type ChipName = keyof typeof CHIPS;
export const CHIP_NAMES = Object.keys(CHIPS) as ChipName[];

export const USABLE = 0.9; // of a chip's memory

/** Bytes of a number, of weights and of the cache. */
export interface Widths {
  weights: number;
  cache: number;
}

/** Keys and values of one token, in all layers. */
export function tokenBytes({ layers, kvHeads, headDim }: Model, each: number): number {
  return 2 * layers * kvHeads * headDim * each;
}

/** Bytes beside the weights; below zero where even those do not fit. */
export function room(of: Model, memory: number, { weights }: Widths): number {
  return USABLE * memory - elements(of) * weights;
}

/** Sequences of so many tokens whose caches fit beside the weights. */
export function sequences(of: Model, tokens: number, memory: number, widths: Widths): number {
  return Math.max(0, Math.floor(room(of, memory, widths) / (tokens * tokenBytes(of, widths.cache))));
}

export interface Work {
  flops: number;
  bytes: number;
}

/** One step that adds a token to each of `batch` sequences of `context` tokens. */
export function decode(of: Model, batch: number, context: number, widths: Widths): Work {
  const attention = 4 * of.layers * of.heads * of.headDim * context;
  return { flops: batch * (2 * multiplied(of) + attention), bytes: multiplied(of) * widths.weights + batch * context * tokenBytes(of, widths.cache) };
}

/** All positions of one prompt at once; causal attention meets half of the pairs. */
export function prefill(of: Model, tokens: number, widths: Widths): Work {
  const attention = 2 * of.layers * of.heads * of.headDim * tokens * tokens;
  return { flops: 2 * multiplied(of) * tokens + attention, bytes: multiplied(of) * widths.weights + tokens * tokenBytes(of, widths.cache) };
}

/** FLOP per byte. */
export function intensity({ flops, bytes }: Work): number {
  return flops / bytes;
}

export function ridge(on: Chip): number {
  return on.flops / on.bandwidth;
}

/** Seconds at best: the roofline of Williams, Waterman and Patterson (2009). */
export function seconds({ flops, bytes }: Work, on: Chip): number {
  return Math.max(flops / on.flops, bytes / on.bandwidth);
}

export function isBoundByMemory(work: Work, on: Chip): boolean {
  return intensity(work) < ridge(on);
}
