/** Times several open recommenders alternately, so that background load affects all of them equally. */

import type { Latency, Query } from "../src/hanji/types.ts";

interface Timed {
  time(runs: number, query: Query, k?: number): Promise<Latency>;
}

/** Returns one latency per round, by name. */
export async function interleaved(
  timed: Record<string, { model: Timed; query: Query }>,
  rounds: number,
  runs: number,
): Promise<Record<string, Latency[]>> {
  const latencies: Record<string, Latency[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, { model, query }] of Object.entries(timed))
      (latencies[name] ??= []).push(await model.time(runs, query));
  }
  return latencies;
}
