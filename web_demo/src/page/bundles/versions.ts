import type { Database } from "../storage/database.ts";
import { cacheOf, versionOf } from "./version_cache.ts";

/** The version of a bundle that is in use: one record per bundle, updated in one transaction. */
export interface Version {
  name: string;
  sha256: string;
  /** The previous version, which other open tabs may still use. */
  previous: string | null;
  /** When the version was adopted, ISO 8601. */
  takenAt: string;
}

/** A version that was downloaded but failed its checks. */
export interface Refusal {
  name: string;
  sha256: string;
  reason: string;
  /** Whether it would fail again, such as a failed self-test; such a version is not downloaded again. */
  final: boolean;
  at: string;
}

/** The records of versions, and the caches that they refer to. */
export class Versions {
  constructor(private readonly database: Database) {}

  current(name: string): Promise<Version | undefined> {
    return this.database.get<Version>("versions", name);
  }

  refusal(name: string): Promise<Refusal | undefined> {
    return this.database.get<Refusal>("refusals", name);
  }

  /** Makes `sha256` the version in use; older versions are deleted only after the record is on disk. */
  async adopt(name: string, sha256: string): Promise<void> {
    const previous = await this.current(name);
    const takenAt = new Date().toISOString();
    await this.database.change([
      {
        store: "versions",
        put: { name, sha256, previous: previous?.sha256 ?? null, takenAt } satisfies Version,
      },
      { store: "refusals", remove: name },
    ]);
    await this.deleteUnused();
  }

  async refuse(refusal: Omit<Refusal, "at">): Promise<void> {
    await this.database.change([{ store: "refusals", put: { ...refusal, at: new Date().toISOString() } }]);
    await caches.delete(cacheOf(refusal.sha256));
  }

  /** Deletes a damaged stored version, so that the bundle is read from the network. */
  async drop(version: Version): Promise<void> {
    await this.database.change([{ store: "versions", remove: version.name }]);
    await caches.delete(cacheOf(version.sha256));
  }

  /** Deletes versions without a record, such as incomplete downloads of a closed page. */
  async deleteUnused(): Promise<void> {
    const records = await this.database.all<Version>("versions");
    const used = new Set(records.flatMap((record) => [record.sha256, record.previous]));
    for (const cache of await caches.keys()) {
      const version = versionOf(cache);
      if (version !== null && !used.has(version)) await caches.delete(cache);
    }
  }
}
