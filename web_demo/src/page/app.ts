import type { RemoteClassifier, RemoteRecommender } from "../hanji/client.ts";
import type { BundleEntry } from "./bundles/list.ts";
import type { Model, Remote } from "./bundles/model.ts";
import type { UpdateResult } from "./bundles/updates.ts";
import type { Versions } from "./bundles/versions.ts";
import type { ClassifyState } from "./classify/state.ts";
import type { ServiceWorkerWatch } from "./offline.ts";
import type { RecommendState } from "./recommend/state.ts";
import type { Signal } from "./signal.ts";
import type { Language, Texts } from "./texts/index.ts";

/**
 * State shared by all views. Views are recreated when the language changes; state that must survive that is
 * kept here.
 */
export interface App {
  language: Language;
  texts: Texts;
  readonly list: readonly BundleEntry[];
  readonly versions: Versions;
  readonly watch: ServiceWorkerWatch;
  readonly recommenders: readonly RecommendState[];
  readonly classifiers: readonly ClassifyState[];
  /** The results of the last update check, by model name; empty before the first one. */
  readonly updates: Signal<ReadonlyMap<string, UpdateResult>>;
  /** Checks all models for new versions; `again` also retries versions that were refused before. */
  update(again: boolean): Promise<readonly UpdateResult[]>;
}

export type RecommenderModel = Model<RemoteRecommender>;
export type ClassifierModel = Model<RemoteClassifier>;
export type AnyModel = Model<Remote>;

/** A view of the page. `close` ends all its subscriptions. */
export interface View {
  element: HTMLElement;
  /** Called when the view is shown. */
  show(): void;
  /** Called when another view is shown. */
  hide(): void;
  close(): void;
}

/** Collects the cleanup functions that a view has to run when it is closed. */
export class Cleanups {
  private readonly functions: (() => void)[] = [];

  add(...functions: (() => void)[]): void {
    this.functions.push(...functions);
  }

  run(): void {
    for (const cleanup of this.functions.splice(0)) cleanup();
  }
}
