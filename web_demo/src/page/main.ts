/**
 * The entry point of the page: reads the list of bundles, shows the views, and stores everything for offline
 * use.
 */

import { RemoteClassifier, RemoteRecommender } from "../hanji/client.ts";
import { toast } from "./announce.ts";
import type { AnyModel, App } from "./app.ts";
import { type BundleEntry, knownList, ofTask } from "./bundles/list.ts";
import { Model } from "./bundles/model.ts";
import { updateAll, type UpdateResult } from "./bundles/updates.ts";
import { Versions } from "./bundles/versions.ts";
import { classifyState } from "./classify/state.ts";
import { byId, button, el, fill } from "./dom.ts";
import { Frame } from "./frame.ts";
import { ServiceWorkerWatch } from "./offline.ts";
import type { RecommendState } from "./recommend/state.ts";
import { Signal } from "./signal.ts";
import { openDatabase, type Database } from "./storage/database.ts";
import { History } from "./storage/history.ts";
import { LANGUAGES, rememberedLanguage } from "./texts/index.ts";

async function start(): Promise<void> {
  const database = await openDatabase();
  const list = await knownList(database);
  const app = await createApp(database, list);
  new Frame(app).start();
  await firstModelSettled(app);
  await enableOfflineUse(app);
}

async function createApp(database: Database, list: readonly BundleEntry[]): Promise<App> {
  const language = rememberedLanguage();
  const versions = new Versions(database);
  const open = RemoteRecommender.open.bind(RemoteRecommender);
  const openClassifier = RemoteClassifier.open.bind(RemoteClassifier);
  const recommenders = await Promise.all(
    ofTask(list, "recommendation").map(async (entry): Promise<RecommendState> => {
      const history = await History.open(database, entry.name);
      return { model: new Model(entry, open, versions), history, diversify: false, user: "" };
    }),
  );
  const classifiers = ofTask(list, "image-classification").map((entry) =>
    classifyState(new Model(entry, openClassifier, versions)),
  );
  const models = [...recommenders, ...classifiers].map(({ model }): AnyModel => model);
  const updates = new Signal<ReadonlyMap<string, UpdateResult>>(new Map());
  const update = async (again: boolean): Promise<readonly UpdateResult[]> => {
    const results = await updateAll(models, versions, database, again);
    updates.set(new Map(results.map((result) => [result.name, result])));
    return results;
  };
  const watch = new ServiceWorkerWatch();
  return {
    language,
    texts: LANGUAGES[language],
    list,
    versions,
    watch,
    recommenders,
    classifiers,
    updates,
    update,
  };
}

/** Waits until the first model is ready or has failed; background downloads start only after that. */
async function firstModelSettled(app: App): Promise<void> {
  const models = [...app.recommenders, ...app.classifiers].map(({ model }): AnyModel => model);
  await Promise.race(models.map((model) => settled(model)));
  performance.mark("hanji-answers");
}

function settled(model: AnyModel): Promise<void> {
  return new Promise((resolve) => {
    model.state.subscribe(({ kind }) => {
      if (kind === "ready" || kind === "failed") resolve();
    });
  });
}

/** Installs the service worker, then stores the newest version of each model and reports updates. */
async function enableOfflineUse(app: App): Promise<void> {
  app.watch.state.subscribe((state) => {
    const { model } = app.texts;
    if (state === "update-ready")
      toast(model.shellReady, { label: model.reload, press: () => app.watch.activateUpdate() });
  });
  await app.watch.start();
  const outcomes = (await app.update(false)).map(({ outcome }) => outcome);
  if (outcomes.includes("refused")) toast(app.texts.model.refusedUpdate);
  else if (outcomes.includes("updated")) toast(app.texts.model.updated);
}

/** Without the list of bundles, only the error can be shown. */
function showFailure(error: unknown): void {
  const texts = LANGUAGES[rememberedLanguage()];
  const detail = el(
    "p",
    { class: "detail", lang: "en" },
    error instanceof Error ? error.message : String(error),
  );
  const reload = button(texts.model.reload, () => location.reload(), { kind: "primary" });
  document.documentElement.lang = rememberedLanguage();
  fill(
    byId("main"),
    el("div", { class: "notice bad" }, el("h1", {}, texts.model.listFailed), detail, reload),
  );
}

start().catch(showFailure);
