import type { Database } from "../storage/database.ts";

/** An entry of bundles/index.json, which scripts/bundles.mjs writes. */
export interface BundleEntry {
  name: string;
  task: "recommendation" | "image-classification";
  /** Relative to the page, with a slash at the end. */
  path: string;
  manifest_sha256: string;
  /** Formats of its artifacts: "tfjs", "tflite", … */
  formats: readonly string[];
}

const INDEX = "bundles/index.json";
/** Name suffix of the uncompressed model of a compressed one. */
const FULL_SUFFIX = "-full";

interface Stored {
  key: "bundles";
  bundles: BundleEntry[];
}

/** Fetches the list and stores it. Errors: the server is unreachable, or the list is invalid. */
export async function fetchList(database: Database): Promise<BundleEntry[]> {
  const response = await fetch(INDEX, { cache: "no-store" });
  if (!response.ok) throw new Error(`${INDEX}: expected the list of bundles, found HTTP ${response.status}`);
  const bundles = parseList(await response.json());
  await database.change([{ store: "settings", put: { key: "bundles", bundles } satisfies Stored }]);
  return bundles;
}

/**
 * The stored list, or the server's if none is stored, so that an offline page does not wait for the server.
 */
export async function knownList(database: Database): Promise<BundleEntry[]> {
  const stored = await database.get<Stored>("settings", "bundles");
  // An older version of the page may have stored a list in another format.
  return stored?.bundles.every(isBundleEntry) ? stored.bundles : fetchList(database);
}

/** The bundles of one task, without the full models, which are only used for comparison. */
export function ofTask(list: readonly BundleEntry[], task: BundleEntry["task"]): BundleEntry[] {
  return list.filter((entry) => entry.task === task && !entry.name.endsWith(FULL_SUFFIX));
}

/** The full model of `entry`, if it is in the list. */
export function fullOf(list: readonly BundleEntry[], entry: BundleEntry): BundleEntry | undefined {
  return list.find((other) => other.name === entry.name + FULL_SUFFIX);
}

/** The bundles that are stored for offline use. */
export function bundlesToStore(list: readonly BundleEntry[]): BundleEntry[] {
  return list.filter((entry) => !entry.name.endsWith(FULL_SUFFIX));
}

function parseList(json: unknown): BundleEntry[] {
  const bundles = (json as { bundles?: unknown } | null)?.bundles;
  if (!Array.isArray(bundles) || !bundles.every(isBundleEntry)) {
    throw new Error(`${INDEX}: expected {"bundles": [{name, task, path, …}, …]}; npm run bundles`);
  }
  return bundles;
}

function isBundleEntry(value: unknown): value is BundleEntry {
  const entry = value as Partial<Record<keyof BundleEntry, unknown>> | null;
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
