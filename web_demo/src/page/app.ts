import type { RemoteClassifier, RemoteRecommender } from "../hanji/client.ts";
import type { Listed } from "./bundles/list.ts";
import type { Model, Remote } from "./bundles/model.ts";
import type { Renewal } from "./bundles/updates.ts";
import type { Versions } from "./bundles/versions.ts";
import type { ClassifyState } from "./classify/state.ts";
import type { ServiceWorkerWatch } from "./offline.ts";
import type { RecommendState } from "./recommend/state.ts";
import type { Signal } from "./signal.ts";
import type { Language, Texts } from "./texts/index.ts";

/**
 * What all views share. Views are made anew when the language changes, so whatever must outlive that
 * is here.
 */
export interface App {
  language: Language;
  texts: Texts;
  readonly list: readonly Listed[];
  readonly versions: Versions;
  readonly watch: ServiceWorkerWatch;
  readonly recommenders: readonly RecommendState[];
  readonly classifiers: readonly ClassifyState[];
  /** What became of each model's newest version, by name, once it was looked for. */
  readonly renewals: Signal<ReadonlyMap<string, Renewal>>;
  /** Looks for new versions of all models; `again` tries refused ones, too. */
  renew(again: boolean): Promise<readonly Renewal[]>;
}

export type RecommenderModel = Model<RemoteRecommender>;
export type ClassifierModel = Model<RemoteClassifier>;
export type AnyModel = Model<Remote>;

/** One view of the page. `close` lets go of everything it follows. */
export interface View {
  element: HTMLElement;
  /** Called when it comes into sight. */
  show(): void;
  /** Called when another one does. */
  hide(): void;
  close(): void;
}

/** Collects what a view has to end when it is closed. */
export class Ends {
  private readonly all: (() => void)[] = [];

  add(...ends: (() => void)[]): void {
    this.all.push(...ends);
  }

  run(): void {
    for (const end of this.all.splice(0)) end();
  }
}
