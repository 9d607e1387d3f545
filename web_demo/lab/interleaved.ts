/** Times several open recommenders in turns, so that whatever else the machine does meets all of them. */

import type { Ask, Latency } from "../src/hanji/types.ts";

interface Timed {
  time(runs: number, ask: Ask, k?: number): Promise<Latency>;
}

/** By name, one latency a round. */
export async function interleaved(
  timed: Record<string, { model: Timed; ask: Ask }>,
  rounds: number,
  runs: number,
): Promise<Record<string, Latency[]>> {
  const found: Record<string, Latency[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, { model, ask }] of Object.entries(timed))
      (found[name] ??= []).push(await model.time(runs, ask));
  }
  return found;
}
