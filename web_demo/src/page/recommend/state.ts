import type { RecommenderModel } from "../app.ts";
import type { History } from "../storage/history.ts";

/** A recommender of the page and its input. */
export interface RecommendState {
  model: RecommenderModel;
  history: History;
  /** Whether to diversify genres. */
  diversify: boolean;
  /** The user id, for a model that takes one. */
  user: string;
}
