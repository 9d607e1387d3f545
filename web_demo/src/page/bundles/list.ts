import type { Database } from "../storage/database.ts";

/** A line of bundles/index.json, which scripts/bundles.mjs writes. */
export interface Listed {
  name: string;
  task: "recommendation" | "image-classification";
  /** Relative to the page, with a slash at the end. */
  path: string;
  manifest_sha256: string;
  /** Formats of its artifacts: "tfjs", "tflite", … */
  formats: readonly string[];
}

const INDEX = "bundles/index.json";
/** How the full model that a compressed one came from is called. */
const FULL = "-full";

interface Stored {
  key: "bundles";
  bundles: Listed[];
}

/** The list as the server has it now, which is kept. Errors: the server is not there, or the list is none. */
export async function fetchList(database: Database): Promise<Listed[]> {
  const response = await fetch(INDEX, { cache: "no-store" });
  if (!response.ok) throw new Error(`${INDEX}: expected the list of bundles, found HTTP ${response.status}`);
  const bundles = listOf(await response.json());
  await database.change([{ store: "settings", put: { key: "bundles", bundles } satisfies Stored }]);
  return bundles;
}

/** The list as it was last seen, else as the server has it: a page that is offline must not wait for it. */
export async function knownList(database: Database): Promise<Listed[]> {
  const stored = await database.get<Stored>("settings", "bundles");
  // An older page may have kept another kind of list.
  return stored?.bundles.every(isListed) ? stored.bundles : fetchList(database);
}

/** Bundles of one task, without the full models that are there to be compared with. */
export function ofTask(list: readonly Listed[], task: Listed["task"]): Listed[] {
  return list.filter((entry) => entry.task === task && !entry.name.endsWith(FULL));
}

/** The full model that belongs to `entry`, if the page has it. */
export function fullOf(list: readonly Listed[], entry: Listed): Listed | undefined {
  return list.find((other) => other.name === entry.name + FULL);
}

/** Those that are kept for offline use. */
export function toKeep(list: readonly Listed[]): Listed[] {
  return list.filter((entry) => !entry.name.endsWith(FULL));
}

function listOf(json: unknown): Listed[] {
  const bundles = (json as { bundles?: unknown } | null)?.bundles;
  if (!Array.isArray(bundles) || !bundles.every(isListed)) {
    throw new Error(`${INDEX}: expected {"bundles": [{name, task, path, …}, …]}; npm run bundles`);
  }
  return bundles;
}

function isListed(value: unknown): value is Listed {
  const entry = value as Partial<Record<keyof Listed, unknown>> | null;
  return (
    typeof entry?.name === "string" &&
    (entry.task === "recommendation" || entry.task === "image-classification") &&
    typeof entry.path === "string" &&
    /^bundles\/[A-Za-z0-9_.-]+\/$/.test(entry.path) &&
    typeof entry.manifest_sha256 === "string" &&
    /^[0-9a-f]{64}$/.test(entry.manifest_sha256) &&
    Array.isArray(entry.formats)
  );
}
