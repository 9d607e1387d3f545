import type { RemoteClassifier, RemoteRecommender } from "../../hanji/client.ts";
import { HanjiError } from "../../hanji/errors.ts";
import type { Ask, Latency, Pixels } from "../../hanji/types.ts";
import type { App } from "../app.ts";
import type { EngineKey } from "../bundles/engines.ts";
import { fullOf, type Listed } from "../bundles/list.ts";
import type { Model, Remote } from "../bundles/model.ts";
import { examplesOf } from "../classify/examples.ts";
import { pixelsToSee } from "../classify/looking.ts";
import type { ClassifyState } from "../classify/state.ts";
import { askOf } from "../recommend/asking.ts";
import type { RecommendState } from "../recommend/state.ts";

/** What a bundle answered to the question that all are asked. */
export interface Answered {
  /** Titles or classes, best first. */
  names: readonly string[];
  /** Scores or probabilities. */
  values: readonly number[];
  latency: Latency;
  loadMs: number;
  /** Bytes of the artifact's files, without titles and golden answers. */
  modelBytes: number;
}

type Answers = Pick<Answered, "names" | "values">;

const TITLES = 10;
const CLASSES = 5;

/** A bundle as the engine room sees it, whatever its task. */
export abstract class Subject<R extends Remote = Remote> {
  readonly full: Listed | undefined;

  constructor(
    protected readonly app: App,
    readonly model: Model<R>,
  ) {
    this.full = fullOf(app.list, model.listed);
  }

  /** What the question is about, in words. */
  abstract inputText(): string;

  protected abstract ask(remote: R): Promise<Answers>;
  protected abstract time(remote: R, runs: number): Promise<Latency>;

  /** Times the bundle that answers the page. */
  latency(runs: number): Promise<Latency> {
    return this.time(this.open(), runs);
  }

  /** Opens the bundle (or `other`) anew in `engine`, asks it, times it, and closes it. */
  async answered(engine: EngineKey, runs: number, other?: Listed): Promise<Answered> {
    const remote = await this.model.another(engine, other);
    try {
      const answers = await this.ask(remote);
      return { ...answers, latency: await this.time(remote, runs), ...measuresOf(remote) };
    } finally {
      remote.close();
    }
  }

  protected open(): R {
    const state = this.model.state.value;
    if (state.kind !== "ready")
      throw new HanjiError("the model is not open: wait for it, or see why it was refused");
    return state.remote;
  }
}

export class RecommenderSubject extends Subject<RemoteRecommender> {
  constructor(
    app: App,
    private readonly state: RecommendState,
  ) {
    super(app, state.model);
  }

  inputText(): string {
    return this.app.texts.engine.inputHistory(this.question().history?.length ?? 0);
  }

  protected async ask(remote: RemoteRecommender): Promise<Answers> {
    const { items } = await remote.recommend(this.question(), TITLES);
    return { names: items.map(({ title }) => title), values: items.map(({ score }) => score) };
  }

  protected time(remote: RemoteRecommender, runs: number): Promise<Latency> {
    return remote.time(runs, this.question(), TITLES);
  }

  /**
   * What the page's user asks, else a history of the first items, or the first user, that the model
   * knows.
   */
  private question(): Ask {
    const asked = askOf(this.state);
    if (asked) return asked;
    const { takes, items } = this.open();
    return takes === "user" ? { user: 1 } : { history: items.ids.values.slice(0, 3) };
  }
}

export class ClassifierSubject extends Subject<RemoteClassifier> {
  constructor(
    app: App,
    private readonly state: ClassifyState,
  ) {
    super(app, state.model);
  }

  inputText(): string {
    const { inputDrawing, inputExample } = this.app.texts.engine;
    return pixelsToSee(this.state) ? inputDrawing : inputExample;
  }

  protected async ask(remote: RemoteClassifier): Promise<Answers> {
    const { language } = this.app;
    const options = language in remote.names ? { language } : {};
    const { predictions } = await remote.classify(await this.pixels(), CLASSES, options);
    return {
      names: predictions.map(({ name }) => name),
      values: predictions.map(({ probability }) => probability),
    };
  }

  protected async time(remote: RemoteClassifier, runs: number): Promise<Latency> {
    return remote.time(runs, await this.pixels(), CLASSES);
  }

  /** What the page shows the model, else the bundle's first example. */
  private async pixels(): Promise<Pixels> {
    const seen = pixelsToSee(this.state);
    if (seen) return seen;
    const { value } = this.model.state;
    const [example] = value.kind === "ready" ? await examplesOf(value.remote, value.url, 1) : [];
    if (!example) throw new HanjiError("there is nothing to look at: draw something, or choose a picture");
    return example.pixels;
  }
}

function measuresOf(remote: Remote): Pick<Answered, "loadMs" | "modelBytes"> {
  const { files, milliseconds } = remote.opening;
  const own = new Set(["manifest.json", ...remote.manifest.files.map(({ path }) => path)]);
  const model = files.filter(({ path }) => !own.has(path));
  return { loadMs: milliseconds.load, modelBytes: model.reduce((sum, { bytes }) => sum + bytes, 0) };
}
