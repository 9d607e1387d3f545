import type { Database } from "../storage/database.ts";
import { cacheOf, versionOf } from "./kept.ts";

/** Which version of a bundle is in use. One record a bundle, switched in one transaction. */
export interface Version {
  name: string;
  sha256: string;
  /** The one before it: another open tab may still read from it. */
  previous: string | null;
  /** When it was taken, as ISO 8601. */
  takenAt: string;
}

/** A version that was fetched, but failed its checks. */
export interface Refusal {
  name: string;
  sha256: string;
  reason: string;
  /** Whether it would fail again, as a failed self-test does; such a version is not fetched a second time. */
  final: boolean;
  at: string;
}

/** The records of versions, and the caches that they name. */
export class Versions {
  constructor(private readonly database: Database) {}

  current(name: string): Promise<Version | undefined> {
    return this.database.get<Version>("versions", name);
  }

  refusal(name: string): Promise<Refusal | undefined> {
    return this.database.get<Refusal>("refusals", name);
  }

  /** From here on `sha256` is in use; the older ones are deleted only after the record is on disk. */
  async adopt(name: string, sha256: string): Promise<void> {
    const before = await this.current(name);
    const takenAt = new Date().toISOString();
    await this.database.change([
      {
        store: "versions",
        put: { name, sha256, previous: before?.sha256 ?? null, takenAt } satisfies Version,
      },
      { store: "refusals", remove: name },
    ]);
    await this.tidy();
  }

  async refuse(refusal: Omit<Refusal, "at">): Promise<void> {
    await this.database.change([{ store: "refusals", put: { ...refusal, at: new Date().toISOString() } }]);
    await caches.delete(cacheOf(refusal.sha256));
  }

  /** The kept version is damaged: forget it, so that the next one comes from the network. */
  async drop(version: Version): Promise<void> {
    await this.database.change([{ store: "versions", remove: version.name }]);
    await caches.delete(cacheOf(version.sha256));
  }

  /** Deletes versions that no record names, such as those a closed page left half fetched. */
  async tidy(): Promise<void> {
    const records = await this.database.all<Version>("versions");
    const named = new Set(records.flatMap((record) => [record.sha256, record.previous]));
    for (const cache of await caches.keys()) {
      const version = versionOf(cache);
      if (version !== null && !named.has(version)) await caches.delete(cache);
    }
  }
}
