/** Adds up the time that an engine takes, so that a latency can be told apart into engine and the rest. */

import type { Engine, Inputs, Tensor } from "./engines/base.ts";
import type { Latency, Placement } from "./types.ts";

const WARM_UP = 5;

/** An engine as it is, whose `milliseconds` grow as it runs. */
export class Stopwatch implements Engine {
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

/** Times `call`, which asks the engine behind `stopwatch`, `runs` times after a few that do not count. */
export async function latencyOf(
  call: () => Promise<unknown>,
  runs: number,
  stopwatch: Stopwatch,
): Promise<Latency> {
  if (!Number.isSafeInteger(runs) || runs < 1)
    throw new RangeError(`runs: expected 1 or more, found ${runs}`);
  const whole: number[] = [];
  const engine: number[] = [];
  for (let run = -WARM_UP; run < runs; run++) {
    stopwatch.milliseconds = 0;
    const start = performance.now();
    await call();
    if (run < 0) continue;
    whole.push(performance.now() - start);
    engine.push(stopwatch.milliseconds);
  }
  const [p50Ms, p90Ms, p99Ms] = [0.5, 0.9, 0.99].map((part) => percentile(whole, part)) as [
    number,
    number,
    number,
  ];
  return { runs, p50Ms, p90Ms, p99Ms, engineP50Ms: percentile(engine, 0.5) };
}

/** Between the two nearest of `values` (n ≥ 1), in proportion. */
function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const place = part * (sorted.length - 1);
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}
