/// <reference lib="webworker" />
/**
 * Makes the page work offline.
 *
 * - The files of the page are cached by their SHA-256, which the build writes into this script. A new build
 *   is a new script: it downloads and verifies the changed files, and is installed only when all of them are
 *   available.
 * - Versions of bundles are stored in separate caches (page/bundles/version_cache.ts), which this script only
 *   serves.
 * - Requests to other origins are blocked, and every response has the headers of `policy.ts`.
 */

import { sha256 as sha256Of } from "./hanji/download.ts";
import { cacheOf, STORED_PATH } from "./page/bundles/version_cache.ts";
import { HEADERS } from "./policy.ts";

declare const self: ServiceWorkerGlobalScope;

interface ShellFile {
  path: string;
  bytes: number;
  sha256: string;
}

/** Replaced by the list of files at build time; see scripts/service_worker_plugin.ts. */
declare const __PRECACHE__: readonly ShellFile[];

const SHELL = "hanji-shell";
const files = new Map(__PRECACHE__.map((file) => [file.path, file]));
/** Files of optional engines and for old browsers, which are cached on first use. */
const ON_DEMAND = /litert|tfjs_other|tfjs-backend-wasm\.wasm$|^lab|\.map$/;
const scope = self.registration.scope;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => {
  // Sent by the page when the user wants to activate the new version.
  if (event.data === "take over") void self.skipWaiting();
});
self.addEventListener("fetch", (event) => {
  const response = responseTo(event.request);
  if (response) event.respondWith(response);
});

async function install(): Promise<void> {
  const cache = await caches.open(SHELL);
  const first = __PRECACHE__.filter(({ path }) => !ON_DEMAND.test(path));
  await Promise.all(first.map((file) => fromCacheOrServer(cache, file)));
}

/**
 * Runs when no page of an older version is open: deletes files that only older versions needed, and takes
 * control of open pages.
 */
async function activate(): Promise<void> {
  const cache = await caches.open(SHELL);
  const current = new Set(__PRECACHE__.map((file) => cacheKey(file)));
  for (const request of await cache.keys()) {
    if (!current.has(request.url)) await cache.delete(request);
  }
  await self.clients.claim();
}

/** The response to a request, or null for the default handling by the browser. */
function responseTo(request: Request): Promise<Response> | null {
  const { origin, href } = new URL(request.url);
  if (origin !== self.location.origin) return Promise.resolve(Response.error());
  if (request.method !== "GET" || !href.startsWith(scope)) return null;
  const path = pathOf(href);
  if (path.startsWith(STORED_PATH)) return storedFile(path);
  const file = files.get(path === "" || request.mode === "navigate" ? "index.html" : path);
  return file ? shellFile(file) : null;
}

/** Path below the scope, without query and fragment. */
function pathOf(href: string): string {
  const { pathname } = new URL(href);
  return decodeURIComponent(pathname.slice(new URL(scope).pathname.length));
}

async function storedFile(path: string): Promise<Response> {
  const version = path.slice(STORED_PATH.length).split("/", 1)[0] ?? "";
  // Check `has` first, because opening a missing cache creates it.
  const cache = (await caches.has(cacheOf(version))) ? await caches.open(cacheOf(version)) : null;
  const found = await cache?.match(scope + path);
  return found ?? new Response(`${path}: this version is not stored here`, { status: 404, headers: HEADERS });
}

async function shellFile(file: ShellFile): Promise<Response> {
  try {
    return await fromCacheOrServer(await caches.open(SHELL), file);
  } catch (error) {
    return new Response(String(error), { status: 503, headers: HEADERS });
  }
}

/** The file of this build. Errors: the file on the server differs, or the server is unreachable. */
async function fromCacheOrServer(cache: Cache, file: ShellFile): Promise<Response> {
  const found = await cache.match(cacheKey(file));
  if (found) return found;
  const response = await fetch(scope + file.path, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${file.path}: expected the file, found HTTP ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const sha256 = await sha256Of(bytes);
  if (sha256 !== file.sha256) {
    throw new Error(
      `${file.path}: expected SHA-256 ${file.sha256}, found ${sha256}; the page was updated; reload it`,
    );
  }
  const type = response.headers.get("content-type") ?? "application/octet-stream";
  const checked = new Response(bytes, { headers: { ...HEADERS, "content-type": type } });
  await cache.put(cacheKey(file), checked.clone());
  return checked;
}

/** The cache key of a file. It contains the hash, so that a new build downloads only changed files. */
function cacheKey(file: ShellFile): string {
  return `${scope}shell/${file.sha256}/${file.path}`;
}
