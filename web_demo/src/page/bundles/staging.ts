import { download, sha256 } from "../../hanji/download.ts";
import { BundleError, ChecksumError } from "../../hanji/errors.ts";
import { cacheOf, storedPath } from "./version_cache.ts";
import type { BundleEntry } from "./list.ts";

interface Entry {
  path: string;
  bytes: number;
  sha256: string;
}

/** Formats that run in a browser; other artifacts are not stored. */
const FORMATS = new Set(["tfjs", "tflite"]);
const MAX_MANIFEST_BYTES = 16 * 2 ** 20;
/** The path pattern of manifest.schema.json: relative, without "..". */
const PATH = /^[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/;

/**
 * Downloads a version of a bundle into its own cache and verifies each file. The cache is not used until a
 * version record refers to it, and the loader verifies everything again when it opens the version. Errors:
 * ChecksumError, BundleError; the cache is deleted then.
 */
export async function stage(entry: BundleEntry): Promise<void> {
  const name = cacheOf(entry.manifest_sha256);
  await caches.delete(name);
  const cache = await caches.open(name);
  try {
    const files = await storeManifest(entry, cache);
    await Promise.all(
      files.map(async (file) => store(cache, entry, file.path, await fetchVerified(entry, file))),
    );
  } catch (error) {
    await caches.delete(name);
    throw error;
  }
}

/** Stores the manifest and its checksum, and returns the other files to download. */
async function storeManifest(entry: BundleEntry, cache: Cache): Promise<Entry[]> {
  const location = `${entry.path}manifest.json`;
  const { content } = await download(fetch, location, MAX_MANIFEST_BYTES);
  await check(content, entry.manifest_sha256, location);
  await store(cache, entry, "manifest.json", content);
  // The loader also reads the checksum file, whose content is determined by the verified hash.
  const checksum = new TextEncoder().encode(`${entry.manifest_sha256}  manifest.json\n`);
  await store(cache, entry, "manifest.sha256", checksum);
  return entriesOf(JSON.parse(new TextDecoder().decode(content)), location);
}

/** The distinct files of the bundle itself and of the artifacts that run in a browser. */
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
    ...artifacts.filter(({ format }) => FORMATS.has(format)).flatMap((artifact) => artifact.files),
  ];
  const invalid = all.find(({ path }) => !PATH.test(path));
  if (invalid)
    throw new BundleError(
      `${location}: "${invalid.path}" is not a path inside the bundle; export the bundle again`,
    );
  return [...new Map(all.map((file) => [file.path, file])).values()];
}

async function fetchVerified(entry: BundleEntry, file: Entry): Promise<Uint8Array<ArrayBuffer>> {
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

async function store(
  cache: Cache,
  entry: BundleEntry,
  path: string,
  content: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const type = path.endsWith(".json") ? "application/json" : "application/octet-stream";
  const headers = { "content-type": type, "content-length": String(content.length) };
  await cache.put(storedPath(entry.manifest_sha256) + path, new Response(content, { headers }));
}
