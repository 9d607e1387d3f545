import { ChecksumError, EngineError, messageOf, SchemaVersionError } from "../../hanji/errors.ts";
import type { Database } from "../storage/database.ts";
import { fetchList, type Listed } from "./list.ts";
import { isControlled, type Model, type Remote } from "./model.ts";
import { stage } from "./staging.ts";
import type { Versions } from "./versions.ts";

/** What became of the newest version on the server. */
export type Outcome = "current" | "first" | "taken" | "refused" | "unreachable" | "unsupported";

export interface Renewal {
  name: string;
  outcome: Outcome;
  /** Why it was refused; empty else. */
  reason: string;
}

/** One tab at a time fetches versions aside and tidies up. */
const LOCK = "hanji-versions";

/**
 * Compares each model's kept version with the server's list. A new one is fetched aside, verified, self-
 * tested, and only then used; whatever fails, the kept one stays. `again` tries versions that failed
 * before, too.
 */
export async function renewAll(
  models: readonly Model<Remote>[],
  versions: Versions,
  database: Database,
  again = false,
): Promise<Renewal[]> {
  const results = (outcome: Outcome): Renewal[] =>
    models.map(({ listed }) => ({ name: listed.name, outcome, reason: "" }));
  if (!isControlled() || !("locks" in navigator)) return results("unsupported");
  const list = await fetchList(database).catch(() => null);
  if (!list) return results("unreachable");
  return navigator.locks.request(LOCK, async () => {
    const renewals: Renewal[] = [];
    for (const model of models) {
      const newest = list.find(({ name }) => name === model.listed.name);
      renewals.push(newest ? await renew(model, newest, versions, again) : kept(model.listed.name));
    }
    await versions.tidy();
    return renewals;
  });
}

async function renew(
  model: Model<Remote>,
  newest: Listed,
  versions: Versions,
  again: boolean,
): Promise<Renewal> {
  const { name } = newest;
  const sha256 = newest.manifest_sha256;
  const current = await versions.current(name);
  if (current?.sha256 === sha256) return kept(name);
  const refusal = await versions.refusal(name);
  if (refusal?.sha256 === sha256 && refusal.final && !again)
    return { name, outcome: "refused", reason: refusal.reason };
  try {
    await stage(newest);
    await test(model, sha256);
  } catch (error) {
    if (await isNetworkGone(error)) return { name, outcome: "unreachable", reason: messageOf(error) };
    return refused(error, newest, versions);
  }
  await versions.adopt(name, sha256);
  await use(model, sha256);
  return { name, outcome: current ? "taken" : "first", reason: "" };
}

/** Opens the version aside and replays its golden answers. Errors: EngineError if they differ. */
async function test(model: Model<Remote>, sha256: string): Promise<void> {
  const remote = await model.kept(sha256);
  try {
    const result = await remote.selfTest();
    if (!result.passed) throw new EngineError(`self-test: ${result.detail}`);
  } finally {
    remote.close();
  }
}

async function refused(error: unknown, newest: Listed, versions: Versions): Promise<Renewal> {
  const { name, manifest_sha256: sha256 } = newest;
  const reason = messageOf(error);
  await versions.refuse({ name, sha256, reason, final: isFinal(error) });
  return { name, outcome: "refused", reason };
}

/**
 * Whether the very same version would fail again: a damaged file may have been mended until the next
 * visit.
 */
function isFinal(error: unknown): boolean {
  return error instanceof EngineError || error instanceof SchemaVersionError;
}

/** A file that cannot be read is no fault of the version if nothing else can be read now, either. */
async function isNetworkGone(error: unknown): Promise<boolean> {
  if (error instanceof ChecksumError || isFinal(error)) return false;
  const response = await fetch("bundles/index.json", { cache: "no-store" }).catch(() => null);
  return response === null;
}

/** Lets the adopted version answer, unless the very same one does already or the model was never opened. */
async function use(model: Model<Remote>, sha256: string): Promise<void> {
  const { state } = model;
  if (state.value.kind === "idle") return;
  const same = state.value.kind === "ready" && answering(state.value.remote) === sha256;
  if (!same) await model.reopen();
}

/** SHA-256 of the manifest that an open bundle was opened by. */
function answering(remote: Remote): string | undefined {
  return remote.opening.files.find(({ path }) => path === "manifest.json")?.sha256;
}

function kept(name: string): Renewal {
  return { name, outcome: "current", reason: "" };
}
