/** The worker side of `Connection`: holds one open bundle and handles calls. */

import { HanjiError } from "../errors.ts";
import type { EngineKind } from "../engines/base.ts";
import { OpenedClassifier } from "../opened_classifier.ts";
import { OpenedRecommender } from "../opened_recommender.ts";
import { openClassifier, openRecommender } from "../opening.ts";
import { failureOf, type Calls, type Method, type Reply, type Request } from "../protocol.ts";
import { shown } from "../text.ts";
import type { OpenOptions } from "../types.ts";

/** The part of a dedicated worker's global scope that is used here. */
export interface Scope {
  postMessage(reply: Reply): void;
  onmessage: ((event: MessageEvent<Request>) => void) | null;
}

type Progress = NonNullable<OpenOptions["onProgress"]>;
type Handlers = {
  [M in Method]: (params: Calls[M]["params"], onProgress: Progress) => Promise<Calls[M]["result"]>;
};

/** Handles the calls that `scope` receives, with the engine of this worker's script. */
export function serve(scope: Scope, kind: EngineKind): void {
  const handlers = handlersFor(kind);
  scope.onmessage = async ({ data: { id, method, params } }) => {
    const onProgress: Progress = (loaded, total) =>
      scope.postMessage({ id, kind: "progress", loaded, total });
    try {
      const handler = handlers[method] as (
        params: unknown,
        onProgress: Progress,
      ) => Promise<Calls[Method]["result"]>;
      scope.postMessage({ id, kind: "result", result: await handler(params, onProgress) });
    } catch (error) {
      scope.postMessage({ id, kind: "failure", failure: failureOf(error) });
    }
  };
}

function handlersFor(kind: EngineKind): Handlers {
  let recommender: OpenedRecommender | undefined;
  let classifier: OpenedClassifier | undefined;
  const kindOf = ({ engine }: OpenOptions) => checkedKind(kind, engine);
  return {
    async openRecommender({ url, options }, onProgress) {
      recommender = new OpenedRecommender(await openRecommender(url, { ...options, onProgress }, kindOf));
      const { manifest, placement, opening, items } = recommender;
      return { manifest, placement, opening, items: items.data };
    },
    async openClassifier({ url, options }, onProgress) {
      classifier = new OpenedClassifier(await openClassifier(url, { ...options, onProgress }, kindOf));
      const { manifest, placement, opening, labels, names } = classifier;
      return { manifest, placement, opening, labels, names };
    },
    recommend: async ({ query, k, options }) => opened(recommender).recommend(query, k, options),
    why: async ({ history, item, k }) => opened(recommender).why(history, item, k),
    scores: async ({ query }) => opened(recommender).scores(query),
    timeRecommend: async ({ runs, query, k }) => opened(recommender).time(runs, query, k),
    classify: async ({ pixels, k, options }) => opened(classifier).classify(pixels, k, options),
    estimate: async ({ pixels, options }) => opened(classifier).estimate(pixels, options),
    answer: async ({ pixels, k, options }) => opened(classifier).answer(pixels, k, options),
    probabilities: async ({ pixels }) => opened(classifier).probabilities(pixels),
    timeClassify: async ({ runs, pixels, k }) => opened(classifier).time(runs, pixels, k),
    selfTest: async () => opened(recommender ?? classifier).selfTest(),
  };
}

function checkedKind(kind: EngineKind, engine: OpenOptions["engine"]): EngineKind {
  if (engine === kind.name) return kind;
  throw new HanjiError(`engine: expected tfjs or litert, found ${shown(engine)}`);
}

function opened<T>(bundle: T | undefined): T {
  if (bundle === undefined)
    throw new HanjiError("this worker has no open bundle for that task; open one first");
  return bundle;
}
