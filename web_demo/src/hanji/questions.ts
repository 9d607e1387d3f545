/** What a model is asked with: own ids turned into its inputs, and what is said of those it does not know. */

import { HanjiError } from "./errors.ts";
import type { Ids, OwnId } from "./ids.ts";
import type { Takes } from "./takes.ts";
import { quoted, shown } from "./text.ts";

/** Indices of no item. */
export const NOTHING: Int32Array = new Int32Array(0);

/** Indices of the items that are known, int32 [n], each once, and how many ids were not. */
export interface Known {
  indices: Int32Array;
  skipped: number;
}

/** A signature with its inputs; `inputs` is null where the model knows nothing of the user. */
export interface Question {
  signature: "catalogue" | "history";
  inputs: Record<string, Int32Array> | null;
  /** Indices of the history's items, int32 [n], oldest first; empty for a user. */
  seen: Int32Array;
  note: string;
  skipped: number;
}

/**
 * The known items among `owns`, in their order; a repeat counts once, where it came last.
 *
 * What is not known is skipped and counted, or is an UnknownIdError where `unknown` is "error". `what` names
 * the argument in the TypeError of a text or of what cannot be an id.
 */
export function knownItems(owns: readonly OwnId[], ids: Ids, unknown: "skip" | "error", what: string): Known {
  if (!Array.isArray(owns))
    throw new TypeError(`${what}: expected an array of item ids, found ${shown(owns)}`);
  const latest = new Set<number>();
  let skipped = 0;
  for (const own of owns as readonly OwnId[]) {
    const index = ids.indexOf(own);
    if (index === undefined) {
      if (unknown === "error") throw ids.unknown(own);
      skipped++;
    } else {
      latest.delete(index); // so that it comes last
      latest.add(index);
    }
  }
  return { indices: Int32Array.from(latest), skipped };
}

/** What is said of ids that were skipped, nothing if none was. */
export function skippedNote(what: string, skipped: number): string {
  return skipped ? `${what} ids that this bundle does not know, skipped: ${skipped}` : "";
}

/** The question for one of the bundle's users; `unknown` is what the manifest says others get. */
export function userQuestion(user: OwnId, users: Ids, unknown: "popularity" | "error"): Question {
  const index = users.indexOf(user);
  const signature = "catalogue";
  if (index !== undefined)
    return { signature, inputs: { user: Int32Array.of(index) }, seen: NOTHING, note: "", skipped: 0 };
  if (unknown === "error") throw users.unknown(user);
  const note = `user ${quoted(user)} is unknown to this bundle: ranked by popularity`;
  return { signature, inputs: null, seen: NOTHING, note, skipped: 0 };
}

/**
 * The question for a history of own item ids, oldest first.
 *
 * Its input is exactly as long as what is known of the history: no padding, engines take any length.
 */
export function historyQuestion(history: readonly OwnId[], items: Ids, unknown: "skip" | "error"): Question {
  const { indices: seen, skipped } = knownItems(history, items, unknown, "history");
  const said = skippedNote("history", skipped);
  const known = seen.length > 0;
  const note = known ? said : [POPULAR, said].filter(Boolean).join("; ");
  return { signature: "history", inputs: known ? { history: seen } : null, seen, note, skipped };
}

/** The error of a call that gives anything but the one of both that the bundle takes. */
export function wrongAsker(takes: Takes, user: unknown, history: unknown): HanjiError {
  const given = Object.entries({ user, history }).filter(([, value]) => value !== undefined);
  const found = given.map(([name]) => name).join(" and ") || "neither user nor history";
  return new HanjiError(`expected ${TAKES[takes]}; found ${found}`);
}

const POPULAR = "the history holds no item that this bundle knows: ranked by popularity";
const TAKES: Record<Takes, string> = {
  user: "{ user: ID }: this bundle takes the id of a user it was trained on, no history",
  history: "{ history: [ID, …] }: this bundle takes the user's own history and knows no users",
};
