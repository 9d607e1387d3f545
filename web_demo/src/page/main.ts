/**
 * The page: reads the list of bundles, shows the views, and keeps everything for when there is no
 * network.
 */

import { RemoteClassifier, RemoteRecommender } from "../hanji/client.ts";
import { toast } from "./announce.ts";
import type { AnyModel, App } from "./app.ts";
import { knownList, ofTask, type Listed } from "./bundles/list.ts";
import { Model } from "./bundles/model.ts";
import { renewAll, type Renewal } from "./bundles/updates.ts";
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
  const app = await appOf(database, list);
  new Frame(app).start();
  await firstModel(app);
  await keepForLater(app);
}

async function appOf(database: Database, list: readonly Listed[]): Promise<App> {
  const language = rememberedLanguage();
  const versions = new Versions(database);
  const open = RemoteRecommender.open.bind(RemoteRecommender);
  const openClassifier = RemoteClassifier.open.bind(RemoteClassifier);
  const recommenders = await Promise.all(
    ofTask(list, "recommendation").map(async (entry): Promise<RecommendState> => {
      const history = await History.open(database, entry.name);
      return { model: new Model(entry, open, versions), history, spread: false, user: "" };
    }),
  );
  const classifiers = ofTask(list, "image-classification").map((entry) =>
    classifyState(new Model(entry, openClassifier, versions)),
  );
  const models = [...recommenders, ...classifiers].map(({ model }): AnyModel => model);
  const renewals = new Signal<ReadonlyMap<string, Renewal>>(new Map());
  const renew = async (again: boolean): Promise<readonly Renewal[]> => {
    const results = await renewAll(models, versions, database, again);
    renewals.set(new Map(results.map((result) => [result.name, result])));
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
    renewals,
    renew,
  };
}

/** Waits for the model that the page opens with: nothing else is fetched before it answers or was refused. */
async function firstModel(app: App): Promise<void> {
  const models = [...app.recommenders, ...app.classifiers].map(({ model }): AnyModel => model);
  await Promise.race(models.map((model) => ended(model)));
  performance.mark("hanji-answers");
}

function ended(model: AnyModel): Promise<void> {
  return new Promise((resolve) => {
    model.state.follow(({ kind }) => {
      if (kind === "ready" || kind === "failed") resolve();
    });
  });
}

/** Installs the service worker, then keeps the newest version of each model, and tells what changed. */
async function keepForLater(app: App): Promise<void> {
  app.watch.state.follow((state) => {
    const { model } = app.texts;
    if (state === "renewed")
      toast(model.shellReady, { label: model.reload, press: () => app.watch.takeOver() });
  });
  await app.watch.start();
  const outcomes = (await app.renew(false)).map(({ outcome }) => outcome);
  if (outcomes.includes("refused")) toast(app.texts.model.refusedUpdate);
  else if (outcomes.includes("taken")) toast(app.texts.model.renewed);
}

/** Without a list there is nothing to show but why. */
function failed(error: unknown): void {
  const texts = LANGUAGES[rememberedLanguage()];
  const detail = el(
    "p",
    { class: "detail", lang: "en" },
    error instanceof Error ? error.message : String(error),
  );
  const again = button(texts.model.reload, () => location.reload(), { kind: "primary" });
  document.documentElement.lang = rememberedLanguage();
  fill(byId("main"), el("div", { class: "notice bad" }, el("h1", {}, texts.model.listFailed), detail, again));
}

start().catch(failed);
