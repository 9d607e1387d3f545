/// <reference lib="webworker" />
/**
 * Keeps the page working without a network.
 *
 * - The page's own files are kept by the SHA-256 that the build wrote into this script. A new build is a new
 *   script: it fetches what has changed, checks it, and takes over only when all of it is there.
 * - Versions of bundles lie in caches of their own (page/bundles/kept.ts); this script only serves them.
 * - Requests to other origins are refused, and everything that is served carries the policy of `policy.ts`.
 */

import { sha256 as sha256Of } from "./hanji/download.ts";
import { cacheOf, KEPT } from "./page/bundles/kept.ts";
import { HEADERS } from "./policy.ts";

declare const self: ServiceWorkerGlobalScope;

interface ShellFile {
  path: string;
  bytes: number;
  sha256: string;
}

/** The build puts the list here: see scripts/service_worker_plugin.ts. */
declare const __PRECACHE__: readonly ShellFile[];

const SHELL = "hanji-shell";
const files = new Map(__PRECACHE__.map((file) => [file.path, file]));
/** What somebody has to choose, or only an old browser needs: kept when it is first asked for. */
const ON_USE = /litert|tfjs_other|tfjs-backend-wasm\.wasm$|^lab|\.map$/;
const scope = self.registration.scope;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", (event) => {
  // Only the page asks, when its user wants the new version now.
  if (event.data === "take over") void self.skipWaiting();
});
self.addEventListener("fetch", (event) => {
  const answer = answerTo(event.request);
  if (answer) event.respondWith(answer);
});

async function install(): Promise<void> {
  const cache = await caches.open(SHELL);
  const first = __PRECACHE__.filter(({ path }) => !ON_USE.test(path));
  await Promise.all(first.map((file) => fromCacheOrServer(cache, file)));
}

/**
 * No older page is open any more: forget files that only it needed, and answer pages that are already
 * open.
 */
async function activate(): Promise<void> {
  const cache = await caches.open(SHELL);
  const wanted = new Set(__PRECACHE__.map((file) => addressOf(file)));
  for (const request of await cache.keys()) {
    if (!wanted.has(request.url)) await cache.delete(request);
  }
  await self.clients.claim();
}

/** The answer to a request, or null to let the browser go on as if this script were not there. */
function answerTo(request: Request): Promise<Response> | null {
  const { origin, href } = new URL(request.url);
  if (origin !== self.location.origin) return Promise.resolve(Response.error());
  if (request.method !== "GET" || !href.startsWith(scope)) return null;
  const path = pathOf(href);
  if (path.startsWith(KEPT)) return keptFile(path);
  const file = files.get(path === "" || request.mode === "navigate" ? "index.html" : path);
  return file ? shellFile(file) : null;
}

/** Path below the scope, without query and fragment. */
function pathOf(href: string): string {
  const { pathname } = new URL(href);
  return decodeURIComponent(pathname.slice(new URL(scope).pathname.length));
}

async function keptFile(path: string): Promise<Response> {
  const version = path.slice(KEPT.length).split("/", 1)[0] ?? "";
  // `has` first: opening a cache that is not there would make one.
  const cache = (await caches.has(cacheOf(version))) ? await caches.open(cacheOf(version)) : null;
  const found = await cache?.match(scope + path);
  return found ?? new Response(`${path}: this version is not kept here`, { status: 404, headers: HEADERS });
}

async function shellFile(file: ShellFile): Promise<Response> {
  try {
    return await fromCacheOrServer(await caches.open(SHELL), file);
  } catch (error) {
    return new Response(String(error), { status: 503, headers: HEADERS });
  }
}

/** The file as it was built. Errors: the server has another one or cannot be reached. */
async function fromCacheOrServer(cache: Cache, file: ShellFile): Promise<Response> {
  const found = await cache.match(addressOf(file));
  if (found) return found;
  const response = await fetch(scope + file.path, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${file.path}: expected the file, found HTTP ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const sha256 = await sha256Of(bytes);
  if (sha256 !== file.sha256) {
    throw new Error(
      `${file.path}: expected SHA-256 ${file.sha256}, found ${sha256}; the page was renewed: reload it`,
    );
  }
  const type = response.headers.get("content-type") ?? "application/octet-stream";
  const checked = new Response(bytes, { headers: { ...HEADERS, "content-type": type } });
  await cache.put(addressOf(file), checked.clone());
  return checked;
}

/** Where a file lies in the cache: by its hash, so that a build fetches only what it changed. */
function addressOf(file: ShellFile): string {
  return `${scope}shell/${file.sha256}/${file.path}`;
}
