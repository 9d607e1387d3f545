import { HanjiError } from "../../hanji/errors.ts";
import type { Ask, Recommendations } from "../../hanji/types.ts";
import { ENGINES } from "../bundles/engines.ts";
import { Signal } from "../signal.ts";
import type { RecommendState } from "./state.ts";

export type Answer =
  | { kind: "empty" }
  | { kind: "answer"; recommendations: Recommendations; explained: boolean; asked: number }
  | { kind: "failed"; error: unknown };

const COUNT = 10;
/** More would be read by nobody. */
const REASONS = 2;
/** Enough to meet other genres, little enough to stay with somebody's taste. */
const SPREAD = 0.35;

/** Asks the model whenever the picks or the model change; only the newest answer counts. */
export class Asking {
  readonly answer = new Signal<Answer>({ kind: "empty" });
  /** Whether `answer` is of an older question than the newest. */
  readonly busy = new Signal(false);
  private latest = 0;

  constructor(private readonly state: RecommendState) {}

  async again(): Promise<void> {
    const turn = ++this.latest;
    const ask = askOf(this.state);
    const open = this.state.model.state.value;
    if (!ask || open.kind !== "ready") return this.answered({ kind: "empty" });
    this.busy.set(true);
    const explained = canExplain(this.state);
    const options = { explain: explained ? REASONS : 0, diversity: this.state.spread ? SPREAD : 0 };
    try {
      const recommendations = await open.remote.recommend(ask, COUNT, options);
      const asked = ask.history?.length ?? 1;
      if (turn === this.latest) this.answered({ kind: "answer", recommendations, explained, asked });
    } catch (error) {
      // A model that was closed for a newer one: that one is asked when it is there.
      const closed = error instanceof HanjiError && open !== this.state.model.state.value;
      if (turn === this.latest && !closed) this.answered({ kind: "failed", error });
    }
  }

  private answered(answer: Answer): void {
    this.answer.set(answer);
    this.busy.set(false);
  }
}

/** What the model is asked, or null where there is nothing to ask by. */
export function askOf({ model, history, user }: RecommendState): Ask | null {
  const open = model.state.value;
  if (open.kind === "ready" && open.remote.takes === "user") return user === "" ? null : { user };
  const picks = history.picks.value;
  return picks.length === 0 ? null : { history: picks.map((pick) => pick.item) };
}

/** Whether the open model names reasons: LiteRT.js cannot, whatever the model. */
export function canExplain({ model }: RecommendState): boolean {
  const open = model.state.value;
  if (open.kind !== "ready" || ENGINES[open.engine].engine !== "tfjs") return false;
  const artifact = open.remote.manifest.artifacts.find(({ format }) => format === "tfjs");
  return artifact !== undefined && "why" in artifact.signatures;
}
