/** What a LoRA adapter costs, element by element: the arithmetic of lesson 2. */

import { elements, type Model, MODULES, type Module, shape } from "./models";

export interface Plan {
  targets: ReadonlySet<Module>;
  rank: number;
  layers: number;
}

/** A is r × inputs and B is outputs × r, for each adapted matrix. */
export function trained(of: Model, { targets, rank, layers }: Plan): number {
  const perLayer = MODULES.filter((module) => targets.has(module)).reduce((sum, module) => sum + rank * (shape(of, module)[0] + shape(of, module)[1]), 0);
  return layers * perLayer;
}

export function share(of: Model, plan: Plan): number {
  return trained(of, plan) / elements(of);
}

/** The largest rank that stays below a share of the base; 0 where rank 1 is above it. */
export function largestRank(of: Model, plan: Plan, below: number): number {
  const one = trained(of, { ...plan, rank: 1 });
  return one === 0 ? 0 : Math.max(0, Math.ceil((below * elements(of)) / one) - 1);
}

/** Bytes of weights, gradients and Adam's state: 16 a trained element, 2 a frozen one (0.52 in NF4 with double quantisation). */
export const TRAINED_BYTES = 16;
export const FROZEN_BYTES = 2;
