/** Memory of a training job's state per rank, by ZeRO stage: the arithmetic of lesson 1. All sizes are GB, 10⁹ bytes. */

export const STAGES = [0, 1, 2, 3] as const;
export const PARTS = ["weights", "gradients", "optimizer"] as const;
export type Stage = (typeof STAGES)[number];
export type Part = (typeof PARTS)[number];
export type Precision = "mixed" | "fp32" | "bf16";
export type Optimizer = "adam" | "adam8bit" | "momentum" | "sgd";
export type Sizes = Record<Part, number>;

export interface Job {
  params: number; // billions
  ranks: number;
  precision: Precision;
  optimizer: Optimizer;
}

const SHARDED_FROM: Record<Part, Stage> = { optimizer: 1, gradients: 2, weights: 3 };
const MOMENTS: Record<Optimizer, number> = { adam: 2, adam8bit: 2, momentum: 1, sgd: 0 };

/** Bytes that one parameter costs. Mixed: bf16 weights and gradients, with an fp32 copy of the weight that is updated. */
export function bytesPerParameter({ precision, optimizer }: Pick<Job, "precision" | "optimizer">): Sizes {
  const weight = precision === "fp32" ? 4 : 2;
  const moment = optimizer === "adam8bit" ? 1 : precision === "bf16" ? 2 : 4;
  const master = precision === "mixed" ? 4 : 0;
  return { weights: weight, gradients: weight, optimizer: master + MOMENTS[optimizer] * moment };
}

export function perRank(job: Job, stage: Stage): Sizes {
  const bytes = bytesPerParameter(job);
  const share = (part: Part): number => (job.params * bytes[part]) / (stage >= SHARDED_FROM[part] ? job.ranks : 1);
  return { weights: share("weights"), gradients: share("gradients"), optimizer: share("optimizer") };
}

export function total(sizes: Sizes): number {
  return sizes.weights + sizes.gradients + sizes.optimizer;
}

/** The smallest stage whose state fits into `room` GB; null where none does. */
export function smallestStage(job: Job, room: number): Stage | null {
  return STAGES.find((stage) => total(perRank(job, stage)) <= room) ?? null;
}
