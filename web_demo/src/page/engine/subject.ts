import type { RemoteClassifier, RemoteRecommender } from "../../hanji/client.ts";
import { HanjiError } from "../../hanji/errors.ts";
import type { Latency, Pixels, Query } from "../../hanji/types.ts";
import type { App } from "../app.ts";
import type { EngineKey } from "../bundles/engines.ts";
import { type BundleEntry, fullOf } from "../bundles/list.ts";
import type { Model, Remote } from "../bundles/model.ts";
import { entriesOf, type Entry } from "../classify/bars.ts";
import { examplesOf } from "../classify/examples.ts";
import { currentImage } from "../classify/runner.ts";
import type { ClassifyState } from "../classify/state.ts";
import { queryOf } from "../recommend/runner.ts";
import type { RecommendState } from "../recommend/state.ts";

/** The output, latency and size of a bundle for the current input. */
export interface Measurement {
  /** Titles or classes, best first. */
  names: readonly string[];
  /** What a classifier says. */
  entries?: readonly Entry[];
  latency: Latency;
  loadMs: number;
  /** Size of the artifact's files, without the bundle's own files (items, labels, golden). */
  modelBytes: number;
}

type Output = Pick<Measurement, "names" | "entries">;

const TITLES = 10;
const CLASSES = 5;

/** A bundle under inspection in the diagnostics view, independent of its task. */
export abstract class Subject<R extends Remote = Remote> {
  readonly full: BundleEntry | undefined;

  constructor(
    protected readonly app: App,
    readonly model: Model<R>,
  ) {
    this.full = fullOf(app.list, model.entry);
  }

  /** A description of the current input. */
  abstract inputText(): string;

  protected abstract infer(remote: R): Promise<Output>;
  protected abstract time(remote: R, runs: number): Promise<Latency>;

  /** Measures the latency of the open model. */
  latency(runs: number): Promise<Latency> {
    return this.time(this.openRemote(), runs);
  }

  /** Opens the bundle (or `other`) in `engine`, runs and times it, and closes it. */
  async measure(engine: EngineKey, runs: number, other?: BundleEntry): Promise<Measurement> {
    const remote = await this.model.openAnother(engine, other);
    try {
      const output = await this.infer(remote);
      return { ...output, latency: await this.time(remote, runs), ...loadMeasurements(remote) };
    } finally {
      remote.close();
    }
  }

  protected openRemote(): R {
    const state = this.model.state.value;
    if (state.kind !== "ready")
      throw new HanjiError("the model is not open; wait until it is loaded, or check why it was refused");
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
    return this.app.texts.engine.inputHistory(this.query().history?.length ?? 0);
  }

  protected async infer(remote: RemoteRecommender): Promise<Output> {
    const { items } = await remote.recommend(this.query(), TITLES);
    return { names: items.map(({ title }) => title) };
  }

  protected time(remote: RemoteRecommender, runs: number): Promise<Latency> {
    return remote.time(runs, this.query(), TITLES);
  }

  /** The current query of the page, or by default a history of the first items, or the user 1. */
  private query(): Query {
    const current = queryOf(this.state);
    if (current) return current;
    const { takes, items } = this.openRemote();
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
    return currentImage(this.state) ? inputDrawing : inputExample;
  }

  protected async infer(remote: RemoteClassifier): Promise<Output> {
    const { language, texts } = this.app;
    const options = language in remote.names ? { language } : {};
    const entries = entriesOf(await remote.answer(await this.pixels(), CLASSES, options), texts);
    return { names: entries.map(({ name }) => name), entries };
  }

  protected async time(remote: RemoteClassifier, runs: number): Promise<Latency> {
    return remote.time(runs, await this.pixels(), CLASSES);
  }

  /** The current image of the page, or by default the first example of the bundle. */
  private async pixels(): Promise<Pixels> {
    const current = currentImage(this.state);
    if (current) return current;
    const { value } = this.model.state;
    const [example] = value.kind === "ready" ? await examplesOf(value.remote, value.url, 1) : [];
    if (!example) throw new HanjiError("there is no image to classify; draw something, or choose a picture");
    return example.pixels;
  }
}

function loadMeasurements(remote: Remote): Pick<Measurement, "loadMs" | "modelBytes"> {
  const { files, milliseconds } = remote.opening;
  const bundleFiles = new Set(["manifest.json", ...remote.manifest.files.map(({ path }) => path)]);
  const model = files.filter(({ path }) => !bundleFiles.has(path));
  return { loadMs: milliseconds.load, modelBytes: model.reduce((sum, { bytes }) => sum + bytes, 0) };
}
