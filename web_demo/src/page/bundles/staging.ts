import { download, sha256 } from "../../hanji/download.ts";
import { BundleError, ChecksumError } from "../../hanji/errors.ts";
import { cacheOf, keptPath } from "./kept.ts";
import type { Listed } from "./list.ts";

interface Entry {
  path: string;
  bytes: number;
  sha256: string;
}

/** The formats that a browser runs: of a bundle's artifacts only these are kept. */
const FORMATS = new Set(["tfjs", "tflite"]);
const LARGEST_MANIFEST = 16 * 2 ** 20;
/** As in manifest.schema.json: no "..", nothing absolute. */
const PATH = /^[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/;

/**
 * Fetches a version of a bundle aside, into a cache of its own, and checks each file on the way. Nothing
 * uses that cache before a version record names it; the loader, which opens it, checks everything once
 * more. Errors: ChecksumError, BundleError; then the cache is gone again.
 */
export async function stage(entry: Listed): Promise<void> {
  const name = cacheOf(entry.manifest_sha256);
  await caches.delete(name);
  const cache = await caches.open(name);
  try {
    const files = await keepManifest(entry, cache);
    await Promise.all(files.map(async (file) => keep(cache, entry, file.path, await fetched(entry, file))));
  } catch (error) {
    await caches.delete(name);
    throw error;
  }
}

/** Keeps the manifest and its checksum, and says which files belong to it. */
async function keepManifest(entry: Listed, cache: Cache): Promise<Entry[]> {
  const location = `${entry.path}manifest.json`;
  const { content } = await download(fetch, location, LARGEST_MANIFEST);
  await check(content, entry.manifest_sha256, location);
  await keep(cache, entry, "manifest.json", content);
  // The loader wants the checksum file, too; what it says is known by now.
  const checksum = new TextEncoder().encode(`${entry.manifest_sha256}  manifest.json\n`);
  await keep(cache, entry, "manifest.sha256", checksum);
  return entriesOf(JSON.parse(new TextDecoder().decode(content)), location);
}

/** The bundle's own files and those of the artifacts that a browser runs, each once. */
function entriesOf(manifest: unknown, location: string): Entry[] {
  const { files, artifacts } = manifest as {
    files?: Entry[];
    artifacts?: { format: string; files: Entry[] }[];
  };
  if (!Array.isArray(files) || !Array.isArray(artifacts)) {
    throw new BundleError(`${location}: expected lists of files and artifacts; export the bundle again`);
  }
  const all = [
    ...files,
    ...artifacts.filter(({ format }) => FORMATS.has(format)).flatMap((one) => one.files),
  ];
  const wrong = all.find(({ path }) => !PATH.test(path));
  if (wrong)
    throw new BundleError(`${location}: "${wrong.path}" is no path inside a bundle; export the bundle again`);
  return [...new Map(all.map((file) => [file.path, file])).values()];
}

async function fetched(entry: Listed, file: Entry): Promise<Uint8Array<ArrayBuffer>> {
  const location = entry.path + file.path;
  const { content, isWhole } = await download(fetch, location, file.bytes);
  if (!isWhole || content.length !== file.bytes) {
    const found = isWhole ? content.length : "more";
    throw new ChecksumError(
      `${location}: expected ${file.bytes} bytes, found ${found}; copy the bundle again`,
    );
  }
  await check(content, file.sha256, location);
  return content;
}

async function check(content: Uint8Array<ArrayBuffer>, expected: string, location: string): Promise<void> {
  const found = await sha256(content);
  if (found === expected) return;
  throw new ChecksumError(`${location}: expected sha256 ${expected}, found ${found}; copy the bundle again`);
}

async function keep(
  cache: Cache,
  entry: Listed,
  path: string,
  content: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const type = path.endsWith(".json") ? "application/json" : "application/octet-stream";
  const headers = { "content-type": type, "content-length": String(content.length) };
  await cache.put(keptPath(entry.manifest_sha256) + path, new Response(content, { headers }));
}
