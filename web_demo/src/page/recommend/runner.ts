import { HanjiError } from "../../hanji/errors.ts";
import type { Query, Recommendations } from "../../hanji/types.ts";
import { ENGINES } from "../bundles/engines.ts";
import { Signal } from "../signal.ts";
import type { RecommendState } from "./state.ts";

export type RecommendOutcome =
  | { kind: "empty" }
  | { kind: "result"; recommendations: Recommendations; explained: boolean; picks: number }
  | { kind: "failed"; error: unknown };

const COUNT = 10;
/** Reasons shown per recommendation. */
const REASONS = 2;
/** A trade-off between variety of genres and relevance. */
const DIVERSITY = 0.35;

/** Requests recommendations whenever the picks or the model change; outdated results are discarded. */
export class RecommendRunner {
  readonly outcome = new Signal<RecommendOutcome>({ kind: "empty" });
  /** Whether a newer request is running. */
  readonly busy = new Signal(false);
  private latest = 0;

  constructor(private readonly state: RecommendState) {}

  async update(): Promise<void> {
    const request = ++this.latest;
    const query = queryOf(this.state);
    const open = this.state.model.state.value;
    if (!query || open.kind !== "ready") return this.finish({ kind: "empty" });
    this.busy.set(true);
    const explained = canExplain(this.state);
    const options = { explain: explained ? REASONS : 0, diversity: this.state.diversify ? DIVERSITY : 0 };
    try {
      const recommendations = await open.remote.recommend(query, COUNT, options);
      const picks = query.history?.length ?? 1;
      if (request === this.latest) this.finish({ kind: "result", recommendations, explained, picks });
    } catch (error) {
      // If the model was closed and replaced, its replacement triggers another update.
      const closed = error instanceof HanjiError && open !== this.state.model.state.value;
      if (request === this.latest && !closed) this.finish({ kind: "failed", error });
    }
  }

  private finish(outcome: RecommendOutcome): void {
    this.outcome.set(outcome);
    this.busy.set(false);
  }
}

/** The current query, or null if there are no picks or no user. */
export function queryOf({ model, history, user }: RecommendState): Query | null {
  const open = model.state.value;
  if (open.kind === "ready" && open.remote.takes === "user") return user === "" ? null : { user };
  const picks = history.picks.value;
  return picks.length === 0 ? null : { history: picks.map((pick) => pick.item) };
}

/** Whether the open model can explain its recommendations; LiteRT.js does not support this. */
export function canExplain({ model }: RecommendState): boolean {
  const open = model.state.value;
  if (open.kind !== "ready" || ENGINES[open.engine].engine !== "tfjs") return false;
  const artifact = open.remote.manifest.artifacts.find(({ format }) => format === "tfjs");
  return artifact !== undefined && "why" in artifact.signatures;
}
