/** Measures latency, and the part of it that is spent in the engine. */

import type { Engine, Inputs, Tensor } from "./engines/base.ts";
import type { Latency, Placement } from "./types.ts";

const WARM_UP_RUNS = 5;

/** Wraps an engine and accumulates the time of its runs in `milliseconds`. */
export class TimedEngine implements Engine {
  readonly placement: Placement;
  readonly #engine: Engine;
  milliseconds = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.placement = engine.placement;
  }

  async run(signature: string, inputs: Inputs): Promise<Tensor> {
    const start = performance.now();
    try {
      return await this.#engine.run(signature, inputs);
    } finally {
      this.milliseconds += performance.now() - start;
    }
  }

  close(): void {
    this.#engine.close();
  }
}

/** Times `call`, which runs `timedEngine`, `runs` times after a warm-up. */
export async function latencyOf(
  call: () => Promise<unknown>,
  runs: number,
  timedEngine: TimedEngine,
): Promise<Latency> {
  if (!Number.isSafeInteger(runs) || runs < 1)
    throw new RangeError(`runs: expected 1 or more, found ${runs}`);
  const total: number[] = [];
  const engine: number[] = [];
  for (let run = -WARM_UP_RUNS; run < runs; run++) {
    timedEngine.milliseconds = 0;
    const start = performance.now();
    await call();
    if (run < 0) continue;
    total.push(performance.now() - start);
    engine.push(timedEngine.milliseconds);
  }
  const [p50Ms, p90Ms, p99Ms] = [0.5, 0.9, 0.99].map((part) => percentile(total, part)) as [
    number,
    number,
    number,
  ];
  return { runs, p50Ms, p90Ms, p99Ms, engineP50Ms: percentile(engine, 0.5) };
}

/** Percentile of `values` (n ≥ 1) with linear interpolation. */
function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const position = part * (sorted.length - 1);
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (above - below) * (position - Math.floor(position));
}
