// Serves folders like a static host, for tests and benchmarks: missing files are 404, and every response has
// the given headers.
//
//   node scripts/static_server.mjs FOLDER [PORT]

import { closeSync, createReadStream, fstatSync, openSync, realpathSync, statSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { pipeline } from "node:stream";
import { fileURLToPath } from "node:url";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};

/** At least as strict as the policy of the page, and also for workers, which do not inherit the page's. */
export const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; " +
  "style-src 'self'; img-src 'self' data: blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'";

/** High-resolution timers need cross-origin isolation. */
export const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Of every response. The type that is stated is the type, and no other site reads or learns anything. */
const SAFE = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** Names of this machine; under any other, a page of another site would reach the server by DNS rebinding. */
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?$/i;

const LONGEST_PATH = 2000;

/**
 * Starts a server on localhost; `folders` maps URL path prefixes ("" for all other paths) to folders. It
 * serves regular files inside them by GET and HEAD, always whole: a range is ignored. Anything else is 400,
 * 404 or 405. Rejects if the port is in use.
 *
 * @param {Record<string, string>} folders
 * @param {{headers?: Record<string, string>, port?: number}} [options]
 * @returns {Promise<{url: string, close: () => Promise<void>}>}
 */
export async function serveFolders(folders, { headers = {}, port = 0 } = {}) {
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries({ ...SAFE, ...headers })) response.setHeader(name, value);
    answer(folders, request, response);
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const close = () =>
    new Promise((resolve) => {
      server.close(() => resolve(undefined));
      server.closeAllConnections();
    });
  return { url: `http://localhost:${server.address().port}/`, close };
}

function answer(folders, request, response) {
  if (!LOOPBACK.test(request.headers.host ?? "")) {
    fail(response, 400, "expected the host localhost");
    return;
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    fail(response, 405, "expected GET or HEAD");
    return;
  }
  const requested = pathOf(request.url ?? "");
  if (requested === undefined) {
    fail(response, 400, "expected a path");
    return;
  }
  const opened = openedIn(folders, requested);
  if (!opened) {
    fail(response, 404, "not found");
    return;
  }
  response.setHeader("Content-Type", TYPES[path.extname(opened.file)] ?? "application/octet-stream");
  response.setHeader("Content-Length", opened.size);
  response.setHeader("Cache-Control", "no-cache");
  if (request.method === "HEAD") {
    closeSync(opened.descriptor);
    response.end();
    return;
  }
  // A client that goes away, or a file that shrinks, ends this response and nothing else.
  pipeline(createReadStream(opened.file, { fd: opened.descriptor }), response, () => undefined);
}

function fail(response, status, reason) {
  response.writeHead(status, { "Content-Type": "text/plain" }).end(`${reason}\n`);
}

/** The decoded path without its first slash and the query; undefined if it is none. */
function pathOf(url) {
  const [encoded] = url.split("?", 1);
  if (!encoded.startsWith("/") || encoded.length > LONGEST_PATH) return undefined;
  try {
    const decoded = decodeURIComponent(encoded);
    return /[\0\\]|\/\//.test(decoded) ? undefined : decoded.slice(1);
  } catch {
    return undefined; // an incomplete escape such as "%"
  }
}

/** The regular file for a path, opened; undefined for none, or one that is outside its folder. */
function openedIn(folders, requested) {
  const prefixes = Object.keys(folders).sort((left, right) => right.length - left.length);
  const prefix = prefixes.find((each) => requested.startsWith(each));
  if (prefix === undefined) return undefined;
  const rest = requested.slice(prefix.length);
  const name = rest === "" || rest.endsWith("/") ? `${rest}index.html` : rest;
  try {
    const root = realpathSync(folders[prefix]);
    const file = realpathSync(path.join(root, name));
    if (!file.startsWith(root + path.sep) || !statSync(file).isFile()) return undefined;
    const descriptor = openSync(file, "r");
    return { file, descriptor, size: fstatSync(descriptor).size };
  } catch {
    return undefined; // no such file, a file in place of a folder, no permission, too long a name
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = "dist", port = "4173"] = process.argv.slice(2);
  const headers = { "Content-Security-Policy": POLICY };
  try {
    const { url } = await serveFolders({ "": folder }, { headers, port: Number(port) });
    console.log(`${folder} at ${url} (Ctrl-C to stop)`);
  } catch (error) {
    console.error(`${folder} cannot be served at port ${port}: ${error.message}; try: make web PORT=4174`);
    process.exitCode = 1;
  }
}
