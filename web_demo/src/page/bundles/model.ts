import type { RemoteOptions } from "../../hanji/client.ts";
import { BundleError } from "../../hanji/errors.ts";
import type { AnyManifest } from "../../hanji/manifest.types.ts";
import type { Opening, Placement, SelfTest } from "../../hanji/types.ts";
import { Signal, type Followed } from "../signal.ts";
import { ENGINES, chosenEngine, defaultEngine, type EngineKey } from "./engines.ts";
import { keptPath } from "./kept.ts";
import type { Listed } from "./list.ts";
import type { Versions } from "./versions.ts";

/** What RemoteRecommender and RemoteClassifier have in common. */
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
  /** The address that its files came from: a kept version's, or the server's. */
  url: string;
  engine: EngineKey;
}

export type State<R> =
  { kind: "idle" } | { kind: "opening"; percent: number } | Ready<R> | { kind: "failed"; error: unknown };

/** One bundle of the page, open in a worker or on its way there. */
export class Model<R extends Remote> {
  private readonly changes = new Signal<State<R>>({ kind: "idle" });
  private underWay: Promise<void> | null = null;

  constructor(
    readonly listed: Listed,
    private readonly opener: Opener<R>,
    private readonly versions: Versions,
  ) {}

  /** How far it is. */
  get state(): Followed<State<R>> {
    return this.changes;
  }

  /** Opens it once; a view calls this when it is shown. How it went is in `state`. */
  open(): Promise<void> {
    this.underWay ??= this.opened(chosenEngine(this.listed));
    return this.underWay;
  }

  /**
   * Opens it again, in another engine or after a failure; the one before answers until then, and on if
   * this fails.
   */
  async reopen(engine: EngineKey = chosenEngine(this.listed)): Promise<void> {
    await this.underWay;
    const attempt = this.opened(engine);
    // Who comes next waits for the end of this attempt, but its failure is this caller's.
    this.underWay = attempt.catch(() => undefined);
    await attempt;
  }

  /** This bundle, or `other` by way of the server, open beside the one that answers: the caller closes it. */
  another(engine: EngineKey, other?: Listed): Promise<R> {
    const state = this.state.value;
    const own = state.kind === "ready" ? state.url : this.listed.path;
    return this.opener(other?.path ?? own, ENGINES[engine]);
  }

  /** Opens the kept version `sha256` beside the one that answers: the caller tests and closes it. */
  kept(sha256: string): Promise<R> {
    return this.opener(keptPath(sha256), ENGINES[defaultEngine(this.listed)]);
  }

  private async opened(engine: EngineKey): Promise<void> {
    const before = this.state.value;
    if (before.kind !== "ready") this.changes.set({ kind: "opening", percent: 0 });
    try {
      const { remote, url } = await this.fromStoreOrServer(engine);
      this.changes.set({ kind: "ready", remote, url, engine });
      if (before.kind === "ready") before.remote.close();
    } catch (error) {
      if (before.kind === "ready") throw error;
      this.changes.set({ kind: "failed", error });
    }
  }

  private async fromStoreOrServer(engine: EngineKey): Promise<{ remote: R; url: string }> {
    const version = await this.versions.current(this.listed.name);
    if (version && isControlled()) {
      try {
        return await this.from(keptPath(version.sha256), engine);
      } catch (error) {
        // Only a damaged store is a reason to ask the server; an engine that is not there stays an error.
        if (!(error instanceof BundleError)) throw error;
        await this.versions.drop(version);
      }
    }
    return this.from(this.listed.path, engine);
  }

  private async from(url: string, engine: EngineKey): Promise<{ remote: R; url: string }> {
    const onProgress = (loaded: number, all: number): void => {
      if (this.state.value.kind !== "opening") return;
      this.changes.set({ kind: "opening", percent: all > 0 ? Math.round((100 * loaded) / all) : 0 });
    };
    return { remote: await this.opener(url, { ...ENGINES[engine], onProgress }), url };
  }
}

/** Whether the service worker answers this page: only then kept versions have an address. */
export function isControlled(): boolean {
  return "serviceWorker" in navigator && navigator.serviceWorker.controller !== null;
}
