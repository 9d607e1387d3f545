// Serves folders like a static host, for tests and benchmarks: missing files are 404, and every response has
// the given headers.
//
//   node scripts/static_server.mjs FOLDER [PORT]

import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
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

/**
 * Starts a server on localhost; `folders` maps URL path prefixes ("" for all other paths) to folders.
 *
 * @param {Record<string, string>} folders
 * @param {{headers?: Record<string, string>, port?: number}} [options]
 * @returns {Promise<{url: string, close: () => Promise<void>}>}
 */
export async function serveFolders(folders, { headers = {}, port = 0 } = {}) {
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const file = fileFor(folders, new URL(request.url ?? "/", "http://localhost").pathname);
    if (!file) {
      response.writeHead(404, { "Content-Type": "text/plain" }).end("not found\n");
      return;
    }
    response.setHeader("Content-Type", TYPES[path.extname(file)] ?? "application/octet-stream");
    response.setHeader("Content-Length", statSync(file).size);
    response.setHeader("Cache-Control", "no-cache");
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = () =>
    new Promise((resolve) => {
      server.close(() => resolve(undefined));
      server.closeAllConnections();
    });
  return { url: `http://localhost:${server.address().port}/`, close };
}

function fileFor(folders, pathname) {
  const requested = decodeURIComponent(pathname).slice(1);
  const prefixes = Object.keys(folders).sort((left, right) => right.length - left.length);
  const prefix = prefixes.find((each) => requested.startsWith(each));
  if (prefix === undefined) return undefined;
  const root = path.resolve(folders[prefix]);
  const rest = requested.slice(prefix.length);
  const file = path.join(root, rest === "" || rest.endsWith("/") ? `${rest}index.html` : rest);
  if (!file.startsWith(root + path.sep)) return undefined;
  return statSync(file, { throwIfNoEntry: false })?.isFile() ? file : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = "dist", port = "4173"] = process.argv.slice(2);
  const headers = { "Content-Security-Policy": POLICY };
  const { url } = await serveFolders({ "": folder }, { headers, port: Number(port) });
  console.log(`${folder} at ${url} (Ctrl-C to stop)`);
}
