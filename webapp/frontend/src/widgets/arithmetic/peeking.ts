/**
 * What repeated looks do to a test's false positives: lesson 9. The looks are equally far apart, and nothing is going
 * on, so the scores are Z_k = S_k / √k with S_k a sum of k independent standard normals.
 */

import { normals } from "./draws";

const WIDTH = 0.4; // of a panel of Simpson's rule, in standard deviations of one step: the published figures come out
const LEAST_PANELS = 40;
const FAR = 6; // standard deviations beyond which nothing happens
const POWER = 0.95; // of the fixed design that the confidence sequence is tuned to

export type Sides = 1 | 2;

export function density(x: number): number {
  return Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
}

/** P(Z > x), by Simpson's rule over the tail. */
export function tail(x: number): number {
  if (x < 0) return 1 - tail(-x);
  const to = Math.max(x + 1, 10);
  const panels = 400;
  const step = (to - x) / panels;
  let sum = density(x) + density(to);
  for (let i = 1; i < panels; i++) sum += density(x + i * step) * (i % 2 === 1 ? 4 : 2);
  return (sum * step) / 3;
}

/** The x that a standard normal exceeds with probability `share`, 0 < share < 1. */
export function quantile(share: number): number {
  return solve((x) => tail(x) - share, -8, 8);
}

/** The root of a falling function between two points, by halving. */
function solve(falling: (x: number) => number, low: number, high: number): number {
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (falling(middle) > 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * The probability that a path leaves the bars at any of its looks (`bars[k]` is on the score at look k + 1).
 * The density of the sum, of those paths that have not left yet, is carried from look to look:
 * Armitage, McPherson and Rowe, J. R. Stat. Soc. A 132 (1969).
 */
export function crossing(bars: readonly number[], sides: Sides): number {
  let [points, masses] = [[0], [1]];
  for (const [index, bar] of bars.entries()) {
    const root = Math.sqrt(index + 1);
    const high = bar * root;
    const low = sides === 2 ? -high : -FAR * root;
    [points, masses] = step(points, masses, low, high);
  }
  return Math.max(0, 1 - masses.reduce((sum, mass) => sum + mass, 0));
}

/** One look further: points between the bars, each with the density there times its weight in the integral. */
function step(points: number[], masses: number[], low: number, high: number): [number[], number[]] {
  const panels = 2 * Math.ceil(Math.max(LEAST_PANELS, (high - low) / WIDTH) / 2);
  const width = (high - low) / panels;
  const next: [number[], number[]] = [[], []];
  for (let i = 0; i <= panels; i++) {
    const x = low + i * width;
    const weight = (width / 3) * (i === 0 || i === panels ? 1 : i % 2 === 1 ? 4 : 2);
    next[0].push(x);
    let sum = 0;
    for (let k = 0; k < points.length; k++) sum += (masses[k] ?? 0) * density(x - (points[k] ?? 0));
    next[1].push(weight * sum);
  }
  return next;
}

/** The bar of a test with one look, used at every look: peeking. */
export function naiveBars(looks: number, alpha: number, sides: Sides): number[] {
  return Array<number>(looks).fill(quantile(alpha / sides));
}

/** Pocock's constant bar: the lowest that keeps `alpha` over exactly so many looks. */
export function pocockBars(looks: number, alpha: number, sides: Sides): number[] {
  const low = quantile(alpha / sides); // one look
  const high = quantile(alpha / sides / looks); // Bonferroni
  let [from, to] = [low, high];
  for (let i = 0; i < 16; i++) {
    const middle = (from + to) / 2;
    if (crossing(Array<number>(looks).fill(middle), sides) > alpha) from = middle;
    else to = middle;
  }
  return Array<number>(looks).fill((from + to) / 2);
}

/**
 * The confidence sequence as a bar on the score: valid at any number of looks. Lifts are counted in planned effects,
 * and tau is one; at the last look the information is that of the fixed design with 95 % power.
 */
export function sequenceBars(looks: number, alpha: number, sides: Sides): number[] {
  const information = (quantile(alpha / sides) + quantile(1 - POWER)) ** 2;
  const miss = (2 * alpha) / sides; // a side gets half of what the interval may miss
  return Array.from({ length: looks }, (_, index) => {
    const variance = looks / (information * (index + 1));
    return Math.sqrt(2 * (variance + 1) * Math.log(Math.sqrt((variance + 1) / variance) / miss));
  });
}

/** The scores of `experiments` A/A tests at each look. */
export function scores(experiments: number, looks: number, seed: number): number[][] {
  const normal = normals(seed);
  return Array.from({ length: experiments }, () => {
    let sum = 0;
    return Array.from({ length: looks }, (_, index) => (sum += normal()) / Math.sqrt(index + 1));
  });
}

/** The first look at which a path is beyond its bar; -1 where it never is. */
export function firstCrossing(path: readonly number[], bars: readonly number[], sides: Sides): number {
  return path.findIndex((score, look) => (sides === 2 ? Math.abs(score) : score) > (bars[look] ?? Infinity));
}

export function shareCrossing(paths: readonly number[][], bars: readonly number[], sides: Sides): number {
  return paths.filter((path) => firstCrossing(path, bars, sides) >= 0).length / paths.length;
}
