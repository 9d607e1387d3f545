/** Resolves queries: converts external ids to model inputs, and reports unknown ids. */

import { HanjiError } from "./errors.ts";
import type { ExternalId, Ids } from "./ids.ts";
import type { QueryKind } from "./query_kind.ts";
import { quoted, shown } from "./text.ts";

/** An empty list of item indices. */
export const NO_ITEMS: Int32Array = new Int32Array(0);

/** Distinct indices of the known items, int32 [n], and the number of unknown ids. */
export interface KnownItems {
  indices: Int32Array;
  skipped: number;
}

/** A signature and its inputs; `inputs` is null if the user is unknown or the history has no known item. */
export interface ResolvedQuery {
  signature: "catalogue" | "history";
  inputs: Record<string, Int32Array> | null;
  /** Indices of the known items of the history, int32 [n], oldest first; empty for a user. */
  seen: Int32Array;
  note: string;
  skipped: number;
}

/**
 * The known items among `itemIds`, in their order; duplicates count once, at their last position.
 *
 * Unknown ids are skipped and counted, or an UnknownIdError is thrown if `unknown` is "error". TypeError,
 * naming the argument as `what`, if `itemIds` is not an array or an element is not a valid id.
 */
export function knownItems(
  itemIds: readonly ExternalId[],
  ids: Ids,
  unknown: "skip" | "error",
  what: string,
): KnownItems {
  if (!Array.isArray(itemIds))
    throw new TypeError(`${what}: expected an array of item ids, found ${shown(itemIds)}`);
  const indices = new Set<number>();
  let skipped = 0;
  for (const id of itemIds as readonly ExternalId[]) {
    const index = ids.indexOf(id);
    if (index === undefined) {
      if (unknown === "error") throw ids.unknown(id);
      skipped++;
    } else {
      indices.delete(index); // moves a duplicate to the end
      indices.add(index);
    }
  }
  return { indices: Int32Array.from(indices), skipped };
}

/** The note on skipped ids; empty if none were skipped. */
export function skippedNote(what: string, skipped: number): string {
  return skipped ? `unknown ${what} ids skipped: ${skipped}` : "";
}

/** Resolves a user id; `unknown` is the manifest's policy for unknown users. */
export function userQuery(user: ExternalId, users: Ids, unknown: "popularity" | "error"): ResolvedQuery {
  const index = users.indexOf(user);
  const signature = "catalogue";
  if (index !== undefined)
    return { signature, inputs: { user: Int32Array.of(index) }, seen: NO_ITEMS, note: "", skipped: 0 };
  if (unknown === "error") throw users.unknown(user);
  const note = `user ${quoted(user)} is unknown to this bundle: ranked by popularity`;
  return { signature, inputs: null, seen: NO_ITEMS, note, skipped: 0 };
}

/**
 * Resolves a history of item ids, oldest first.
 *
 * The model input has exactly one entry per known item, without padding: engines accept any length.
 */
export function historyQuery(
  history: readonly ExternalId[],
  items: Ids,
  unknown: "skip" | "error",
): ResolvedQuery {
  const { indices: seen, skipped } = knownItems(history, items, unknown, "history");
  const skippedIds = skippedNote("history", skipped);
  const known = seen.length > 0;
  const note = known ? skippedIds : [POPULAR, skippedIds].filter(Boolean).join("; ");
  return { signature: "history", inputs: known ? { history: seen } : null, seen, note, skipped };
}

/** The error for a query that is not exactly the one kind, user or history, that the bundle takes. */
export function wrongInput(takes: QueryKind, user: unknown, history: unknown): HanjiError {
  const given = Object.entries({ user, history }).filter(([, value]) => value !== undefined);
  const found = given.map(([name]) => name).join(" and ") || "neither user nor history";
  return new HanjiError(`expected ${TAKES[takes]}; found ${found}`);
}

const POPULAR = "the history contains no known item: ranked by popularity";
const TAKES: Record<QueryKind, string> = {
  user: "{ user: ID }: this bundle takes the id of a user in its training data, not a history",
  history: "{ history: [ID, …] }: this bundle takes the user's history and has no users",
};
