import { ChecksumError, EngineError, messageOf, SchemaVersionError } from "../../hanji/errors.ts";
import type { Database } from "../storage/database.ts";
import { type BundleEntry, fetchList } from "./list.ts";
import { isControlled, type Model, type Remote } from "./model.ts";
import { stage } from "./staging.ts";
import type { Versions } from "./versions.ts";

/** The outcome for the newest version on the server. */
export type Outcome = "current" | "first" | "updated" | "refused" | "unreachable" | "unsupported";

export interface UpdateResult {
  name: string;
  outcome: Outcome;
  /** The reason if it was refused or unreachable; otherwise empty. */
  reason: string;
}

/** Only one tab at a time downloads versions and deletes old ones. */
const LOCK = "hanji-versions";

/**
 * Compares the stored version of each model with the server's list. A new version is downloaded, verified and
 * self-tested before it is used; on any failure, the stored version stays in use. `again` also retries
 * versions that failed before.
 */
export async function updateAll(
  models: readonly Model<Remote>[],
  versions: Versions,
  database: Database,
  again = false,
): Promise<UpdateResult[]> {
  const results = (outcome: Outcome): UpdateResult[] =>
    models.map(({ entry }) => ({ name: entry.name, outcome, reason: "" }));
  if (!isControlled() || !("locks" in navigator)) return results("unsupported");
  const list = await fetchList(database).catch(() => null);
  if (!list) return results("unreachable");
  return navigator.locks.request(LOCK, async () => {
    const updates: UpdateResult[] = [];
    for (const model of models) {
      const newest = list.find(({ name }) => name === model.entry.name);
      updates.push(newest ? await update(model, newest, versions, again) : unchanged(model.entry.name));
    }
    await versions.deleteUnused();
    return updates;
  });
}

async function update(
  model: Model<Remote>,
  newest: BundleEntry,
  versions: Versions,
  again: boolean,
): Promise<UpdateResult> {
  const { name } = newest;
  const sha256 = newest.manifest_sha256;
  const current = await versions.current(name);
  if (current?.sha256 === sha256) return unchanged(name);
  const refusal = await versions.refusal(name);
  if (refusal?.sha256 === sha256 && refusal.final && !again)
    return { name, outcome: "refused", reason: refusal.reason };
  try {
    await stage(newest);
    await selfTest(model, sha256);
  } catch (error) {
    if (await isOffline(error)) return { name, outcome: "unreachable", reason: messageOf(error) };
    return refuse(error, newest, versions);
  }
  await versions.adopt(name, sha256);
  await switchTo(model, sha256);
  return { name, outcome: current ? "updated" : "first", reason: "" };
}

/** Opens a downloaded version and runs its self-test. Errors: EngineError if it fails. */
async function selfTest(model: Model<Remote>, sha256: string): Promise<void> {
  const remote = await model.openStored(sha256);
  try {
    const result = await remote.selfTest();
    if (!result.passed) throw new EngineError(`self-test: ${result.detail}`);
  } finally {
    remote.close();
  }
}

async function refuse(error: unknown, newest: BundleEntry, versions: Versions): Promise<UpdateResult> {
  const { name, manifest_sha256: sha256 } = newest;
  const reason = messageOf(error);
  await versions.refuse({ name, sha256, reason, final: isFinal(error) });
  return { name, outcome: "refused", reason };
}

/**
 * Whether the same version would fail again; a damaged file, in contrast, may be repaired on the server.
 */
function isFinal(error: unknown): boolean {
  return error instanceof EngineError || error instanceof SchemaVersionError;
}

/** Whether the error is due to the network rather than the version: the list cannot be fetched either. */
async function isOffline(error: unknown): Promise<boolean> {
  if (error instanceof ChecksumError || isFinal(error)) return false;
  const response = await fetch("bundles/index.json", { cache: "no-store" }).catch(() => null);
  return response === null;
}

/** Switches an open model to the adopted version, unless it already uses it. */
async function switchTo(model: Model<Remote>, sha256: string): Promise<void> {
  const { state } = model;
  if (state.value.kind === "idle") return;
  const same = state.value.kind === "ready" && manifestHash(state.value.remote) === sha256;
  if (!same) await model.reopen();
}

/** The SHA-256 of the manifest of an open bundle. */
function manifestHash(remote: Remote): string | undefined {
  return remote.opening.files.find(({ path }) => path === "manifest.json")?.sha256;
}

function unchanged(name: string): UpdateResult {
  return { name, outcome: "current", reason: "" };
}
