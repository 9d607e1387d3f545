/**
 * The engines' WebAssembly files, served from the origin of the page under paths that contain the version.
 *
 * With the version in the path, a script cannot get the WebAssembly of another release from a cache. Only
 * files that a browser may request are copied: TF.js with and without SIMD, LiteRT.js with and without
 * relaxed SIMD, all single-threaded.
 */

import { createReadStream, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { Plugin } from "vite";

interface EngineFiles {
  /** Path of the served files, relative to the page, with a trailing slash. */
  folder: string;
  /** Folder of the files on this machine. */
  source: string;
  names: readonly string[];
}

const require = createRequire(import.meta.url);

function engineFiles(name: string, main: string, source: string, names: readonly string[]): EngineFiles {
  const entry = require.resolve(main);
  const directory = entry.slice(0, entry.lastIndexOf(path.normalize(main.split("/").slice(0, 2).join("/"))));
  const root = path.join(directory, ...main.split("/").slice(0, 2));
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
    version: string;
  };
  return { folder: `wasm/${name}-${version}/`, source: path.join(root, source), names };
}

export const TFJS_FILES = engineFiles("tfjs", "@tensorflow/tfjs-backend-wasm", "dist", [
  "tfjs-backend-wasm-simd.wasm",
  "tfjs-backend-wasm.wasm",
]);

export const LITERT_FILES = engineFiles("litert", "@litertjs/core/package.json", "wasm", [
  "litert_wasm_internal.js",
  "litert_wasm_internal.wasm",
  "litert_wasm_compat_internal.js",
  "litert_wasm_compat_internal.wasm",
]);

const ALL = [TFJS_FILES, LITERT_FILES].flatMap(({ folder, source, names }) =>
  names.map((name) => ({ url: folder + name, file: path.join(source, name) })),
);
const TYPES: Record<string, string> = { ".wasm": "application/wasm", ".js": "text/javascript" };

/** Build-time constants of the loader; see src/hanji/urls.ts. */
export const DEFINE = {
  __TFJS_FOLDER__: JSON.stringify(TFJS_FILES.folder),
  __LITERT_FOLDER__: JSON.stringify(LITERT_FILES.folder),
};

/** Copies the files into builds, and serves them in development. */
export function serveEngineFiles(): Plugin {
  return {
    name: "hanji-engine-files",
    generateBundle() {
      for (const { url, file } of ALL)
        this.emitFile({ type: "asset", fileName: url, source: readFileSync(file) });
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const requested = (request.url ?? "").split("?")[0];
        const found = ALL.find(({ url }) => requested === `/${url}`);
        if (!found) return next();
        response.setHeader("Content-Type", TYPES[path.extname(found.file)] ?? "application/octet-stream");
        response.setHeader("Content-Length", statSync(found.file).size);
        createReadStream(found.file).pipe(response);
      });
    },
  };
}
