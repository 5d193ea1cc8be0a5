/** What rounding to few levels costs a matrix of weights: the arithmetic of lessons 2 and 3. */

import { normals } from "./draws";

/** QLoRA's levels: quantiles of the normal distribution with an exact zero, scaled to [-1, 1] (Dettmers et al. 2023). */
export const NF4 = [
  -1, -0.6961928, -0.52507305, -0.39491749, -0.28444138, -0.18477343, -0.09105004, 0, 0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983,
  0.562617, 0.72295684, 1,
] as const;

export const FORMATS = ["int8", "int4", "nf4", "int3", "int2"] as const;
export type Format = (typeof FORMATS)[number];

export interface Rounded {
  error: number; // root of the mean square, over that of the weights
  bits: number; // a weight, its share of the scale included
}

/** Levels between -1 and 1; the integers symmetric, as round to nearest with one scale has them. */
export function levels(format: Format): readonly number[] {
  if (format === "nf4") return NF4;
  const most = 2 ** (Number(format.slice(3)) - 1) - 1;
  return Array.from({ length: 2 * most + 1 }, (_, index) => (index - most) / most);
}

/** Standard normal numbers; every `1 / share`-th is `size` times as large. */
export function weights(count: number, seed: number, share: number, size: number): number[] {
  const normal = normals(seed);
  const every = share > 0 ? Math.round(1 / share) : Infinity;
  return Array.from({ length: count }, (_, index) => normal() * ((index + 1) % every === 0 ? size : 1));
}

/** The level that is nearest, by halving; levels ascend. */
export function nearestLevel(value: number, among: readonly number[]): number {
  let [low, high] = [0, among.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((among[middle] ?? 0) <= value) low = middle;
    else high = middle;
  }
  const [below, above] = [among[low] ?? 0, among[high] ?? 0];
  return value - below <= above - value ? below : above;
}

/** The largest size in each block of so many weights. */
export function scales(values: readonly number[], block: number): number[] {
  const found: number[] = [];
  for (let at = 0; at < values.length; at += block) found.push(values.slice(at, at + block).reduce((most, value) => Math.max(most, Math.abs(value)), 0));
  return found;
}

/** Round each block to its levels, with a scale of `scaleBits` a block. */
export function rounded(values: readonly number[], format: Format, block: number, scaleBits: number): Rounded {
  const [among, each] = [levels(format), scales(values, block)];
  let [wrong, all] = [0, 0];
  values.forEach((value, index) => {
    const scale = each[Math.floor(index / block)] ?? 0;
    const back = scale === 0 ? 0 : nearestLevel(value / scale, among) * scale;
    wrong += (value - back) ** 2;
    all += value ** 2;
  });
  return { error: Math.sqrt(wrong / all), bits: width(format) + scaleBits / block };
}

function width(format: Format): number {
  return format === "nf4" ? 4 : Number(format.slice(3));
}
