import { describe, expect, it } from "vitest";

import { buckets, type Job, overlapped, ring, sent, ways } from "../../src/widgets/arithmetic/all_reduce";

/** Four-byte messages passed round a ring, counted one by one: what the lesson's second cell does. */
function passRound(ranks: number, length: number): { sent: number[]; messages: number; equal: boolean } {
  const chunk = length / ranks;
  const data = Array.from({ length: ranks }, (_, rank) => Array.from({ length }, (_, i) => (rank + 1) * (i + 3)));
  const wanted = Array.from({ length }, (_, i) => data.reduce((sum, row) => sum + (row[i] ?? 0), 0));
  const bytes = Array<number>(ranks).fill(0);
  for (let step = 0; step < 2 * (ranks - 1); step++) {
    const grows = step < ranks - 1;
    const parcels = data.map((row, rank) => {
      const which = (((grows ? rank - step : rank + 1 - (step - ranks + 1)) % ranks) + ranks) % ranks;
      bytes[rank] = (bytes[rank] ?? 0) + 4 * chunk;
      return { to: (rank + 1) % ranks, which, values: row.slice(which * chunk, (which + 1) * chunk) };
    });
    for (const { to, which, values } of parcels) values.forEach((value, i) => (data[to]![which * chunk + i] = value + (grows ? data[to]![which * chunk + i]! : 0)));
  }
  return { sent: bytes, messages: 2 * (ranks - 1), equal: data.every((row) => row.every((value, i) => value === wanted[i])) };
}

const seven = (bandwidth: number, bucket = 14e9): Job => ({ gradients: 14e9, bucket, backward: (2 / 3) * 0.43, network: { ranks: 8, latency: 0, bandwidth } });

describe("a ring all-reduce", () => {
  it.each([2, 3, 4, 8])("sends what counting finds on %i ranks", (ranks) => {
    const { sent: counted, messages, equal } = passRound(ranks, 24);
    expect(equal).toBe(true);
    expect(counted).toEqual(Array(ranks).fill(sent(96, ranks)));
    expect(ring(96, { ranks, latency: 1, bandwidth: Infinity })).toBe(messages);
    expect(ring(96, { ranks, latency: 0, bandwidth: 1 })).toBeCloseTo(sent(96, ranks), 9);
  });

  it("answers the lesson's quiz: four ranks, one GB, 1.5 GB", () => {
    expect(sent(1, 4)).toBe(1.5);
  });

  it("takes 0.08 s for 14 GB at 300 GB/s and 0.49 s at 50, as in the lesson", () => {
    expect(ring(14e9, seven(300e9).network)).toBeCloseTo(0.0817, 4);
    expect(ring(14e9, seven(50e9).network)).toBeCloseTo(0.49, 4);
  });
});

describe("overlap", () => {
  it("cuts into full buckets and a rest", () => {
    expect(buckets(100, 25)).toEqual([25, 25, 25, 25]);
    expect(buckets(110, 25)).toEqual([25, 25, 25, 25, 10]);
    expect(buckets(10, 25)).toEqual([10]);
    expect(buckets(14e9, 25e6)).toHaveLength(560);
  });

  it.each([[1, 0.02], [4, 0.02], [10, 0.02], [10, 0.2], [50, 0.05]])("ends as the closed form says: %i equal buckets, %f s each", (count, each) => {
    const network = { ranks: 2, latency: each / 2, bandwidth: Infinity };
    const transfers = overlapped(Array<number>(count).fill(1), 1, network);
    const part = 1 / count; // of the backward pass
    expect(transfers.at(-1)?.to).toBeCloseTo(each <= part ? 1 + each : part + count * each, 9);
    transfers.forEach(({ from }, index) => {
      expect(from).toBeGreaterThanOrEqual((index + 1) * part - 1e-12);
      expect(from).toBeGreaterThanOrEqual((transfers[index - 1]?.to ?? 0) - 1e-12);
    });
  });

  it("tends to the longer of the two, as the lesson says", () => {
    const { beneath } = ways(seven(300e9, 1e7));
    expect(beneath.step).toBeCloseTo(0.43, 3);
    expect(ways(seven(50e9, 1e7)).beneath.step).toBeCloseTo(0.43 / 3 + 0.49, 3);
  });

  it("gains nothing where one bucket holds everything", () => {
    const { whole, after, beneath } = ways(seven(300e9));
    expect(beneath.step).toBeCloseTo(whole.step, 12);
    expect(after.step).toBeCloseTo(whole.step, 12);
  });

  it("pays a latency for every message of every bucket", () => {
    const job = seven(300e9, 1e6);
    const { whole, after } = ways({ ...job, network: { ...job.network, latency: 5e-6 } });
    expect(after.network - whole.network).toBeCloseTo(13_999 * 14 * 5e-6, 9);
  });
});
