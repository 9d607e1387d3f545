import type { RemoteOptions } from "../../hanji/client.ts";
import { BundleError } from "../../hanji/errors.ts";
import type { AnyManifest } from "../../hanji/manifest.types.ts";
import type { Opening, Placement, SelfTest } from "../../hanji/types.ts";
import { type ReadonlySignal, Signal } from "../signal.ts";
import { ENGINES, chosenEngine, defaultEngine, type EngineKey } from "./engines.ts";
import { storedPath } from "./version_cache.ts";
import type { BundleEntry } from "./list.ts";
import type { Versions } from "./versions.ts";

/** The common interface of RemoteRecommender and RemoteClassifier. */
export interface Remote {
  readonly manifest: AnyManifest;
  readonly opening: Opening;
  readonly placement: Placement;
  selfTest(): Promise<SelfTest>;
  close(): void;
}

export type Opener<R extends Remote> = (url: string, options: RemoteOptions) => Promise<R>;

export interface Ready<R> {
  kind: "ready";
  remote: R;
  /** The URL that the files were read from: of a stored version or of the server. */
  url: string;
  engine: EngineKey;
}

export type State<R> =
  { kind: "idle" } | { kind: "opening"; percent: number } | Ready<R> | { kind: "failed"; error: unknown };

/** A bundle of the page and its state: not open, being opened, open in a worker, or failed. */
export class Model<R extends Remote> {
  private readonly changes = new Signal<State<R>>({ kind: "idle" });
  private pending: Promise<void> | null = null;

  constructor(
    readonly entry: BundleEntry,
    private readonly opener: Opener<R>,
    private readonly versions: Versions,
  ) {}

  get state(): ReadonlySignal<State<R>> {
    return this.changes;
  }

  /** Opens the bundle unless it was opened before; called when a view is shown. The result is in `state`. */
  open(): Promise<void> {
    this.pending ??= this.load(chosenEngine(this.entry));
    return this.pending;
  }

  /**
   * Opens the bundle again, with another engine or after a failure; a model that is already open stays in use
   * until this succeeds.
   */
  async reopen(engine: EngineKey = chosenEngine(this.entry)): Promise<void> {
    await this.pending;
    const attempt = this.load(engine);
    // Later callers wait for this attempt to end, but only this caller gets its error.
    this.pending = attempt.catch(() => undefined);
    await attempt;
  }

  /** Opens this bundle, or `other` from the server, a second time; the caller closes it. */
  openAnother(engine: EngineKey, other?: BundleEntry): Promise<R> {
    const state = this.state.value;
    const url = state.kind === "ready" ? state.url : this.entry.path;
    return this.opener(other?.path ?? url, ENGINES[engine]);
  }

  /** Opens the stored version `sha256` next to the one in use; the caller tests and closes it. */
  openStored(sha256: string): Promise<R> {
    return this.opener(storedPath(sha256), ENGINES[defaultEngine(this.entry)]);
  }

  private async load(engine: EngineKey): Promise<void> {
    const before = this.state.value;
    if (before.kind !== "ready") this.changes.set({ kind: "opening", percent: 0 });
    try {
      const { remote, url } = await this.openStoredOrServed(engine);
      this.changes.set({ kind: "ready", remote, url, engine });
      if (before.kind === "ready") before.remote.close();
    } catch (error) {
      if (before.kind === "ready") throw error;
      this.changes.set({ kind: "failed", error });
    }
  }

  private async openStoredOrServed(engine: EngineKey): Promise<{ remote: R; url: string }> {
    const version = await this.versions.current(this.entry.name);
    if (version && isControlled()) {
      try {
        return await this.openUrl(storedPath(version.sha256), engine);
      } catch (error) {
        // Only a damaged stored version falls back to the server; a missing engine stays an error.
        if (!(error instanceof BundleError)) throw error;
        await this.versions.drop(version);
      }
    }
    return this.openUrl(this.entry.path, engine);
  }

  private async openUrl(url: string, engine: EngineKey): Promise<{ remote: R; url: string }> {
    const onProgress = (loaded: number, total: number): void => {
      if (this.state.value.kind !== "opening") return;
      this.changes.set({ kind: "opening", percent: total > 0 ? Math.round((100 * loaded) / total) : 0 });
    };
    return { remote: await this.opener(url, { ...ENGINES[engine], onProgress }), url };
  }
}

/** Whether the service worker controls this page; only then are stored versions available by URL. */
export function isControlled(): boolean {
  return "serviceWorker" in navigator && navigator.serviceWorker.controller !== null;
}
