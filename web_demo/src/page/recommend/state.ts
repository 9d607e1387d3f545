import type { RecommenderModel } from "../app.ts";
import type { History } from "../storage/history.ts";

/** A recommender of the page with the picks for it. */
export interface RecommendState {
  model: RecommenderModel;
  history: History;
  /** Whether genres are spread. */
  spread: boolean;
  /** Whom a model that knows its users is asked for. */
  user: string;
}
