/** A ring all-reduce beside the backward pass: the arithmetic of lesson 1. Bytes, seconds, bytes per second. */

export interface Network {
  ranks: number;
  latency: number; // of a message
  bandwidth: number; // of a link
}

/** What each rank sends. */
export function sent(bytes: number, ranks: number): number {
  return (2 * (ranks - 1) * bytes) / ranks;
}

/** N−1 messages while the sums grow and N−1 while they go round, each a chunk of 1/N. */
export function ring(bytes: number, { ranks, latency, bandwidth }: Network): number {
  return 2 * (ranks - 1) * (latency + bytes / (ranks * bandwidth));
}

export interface Transfer {
  from: number;
  to: number;
}

/** How the gradients are cut: full buckets, then what is left. */
export function buckets(bytes: number, bucket: number): number[] {
  const full = Math.floor(bytes / bucket + 1e-9);
  const rest = bytes - full * bucket;
  const sizes = Array<number>(full).fill(bucket);
  return rest > bytes * 1e-9 ? [...sizes, rest] : sizes;
}

/**
 * Each bucket is all-reduced when the backward pass has filled it and the one before is through; gradients come evenly.
 * Time 0 is the beginning of the backward pass.
 */
export function overlapped(sizes: readonly number[], backward: number, network: Network): Transfer[] {
  const all = sizes.reduce((sum, size) => sum + size, 0);
  let [filled, free] = [0, 0];
  return sizes.map((size) => {
    filled += size;
    const from = Math.max(free, (filled / all) * backward);
    free = from + ring(size, network);
    return { from, to: free };
  });
}

export interface Job {
  gradients: number;
  bucket: number;
  backward: number;
  network: Network;
}

export interface Way {
  network: number; // seconds that the network is busy
  shown: number; // of these, after the backward pass
  step: number; // forward pass included, which takes half of the backward pass
}

export function forward({ backward }: Job): number {
  return backward / 2;
}

/** One all-reduce of everything after the backward pass; buckets after it; buckets beneath it. */
export function ways(job: Job): { whole: Way; after: Way; beneath: Way } {
  const { gradients, bucket, backward, network } = job;
  const sizes = buckets(gradients, bucket);
  const end = overlapped(sizes, backward, network).at(-1)?.to ?? backward;
  const way = (busy: number, shown: number): Way => ({ network: busy, shown, step: forward(job) + backward + shown });
  const whole = ring(gradients, network);
  const cut = sizes.reduce((sum, size) => sum + ring(size, network), 0);
  return { whole: way(whole, whole), after: way(cut, cut), beneath: way(cut, end - backward) };
}
