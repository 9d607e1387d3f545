/**
 * Builds src/service_worker.ts as service_worker.js at the root of the build, including the list of files
 * that it may cache.
 *
 * The list replaces __PRECACHE__. It has the path, size and SHA-256 of every file of the build, so the
 * service worker changes exactly if a file changes. Bundles are not included; they are data with their own
 * hashes.
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { build, type Plugin } from "vite";

export interface BuiltFile {
  /** Relative to the build, with "/" as separator. */
  path: string;
  bytes: number;
  sha256: string;
}

/**
 * All files under `directory`, sorted by path, except for bundles and the service worker itself.
 */
export function builtFiles(directory: string): BuiltFile[] {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path.relative(directory, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"),
    )
    .filter((name) => !name.startsWith("bundles/") && name !== "service_worker.js");
  return names.sort().map((name) => {
    const content = readFileSync(path.join(directory, name));
    return { path: name, bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
  });
}

export function serviceWorker(entry: string): Plugin {
  let directory = "";
  return {
    name: "hanji-service-worker",
    apply: "build",
    configResolved(config) {
      directory = path.resolve(config.root, config.build.outDir);
    },
    closeBundle: {
      order: "post",
      async handler() {
        if (existsSync(entry)) await buildServiceWorker(entry, directory);
      },
    },
  };
}

async function buildServiceWorker(entry: string, directory: string): Promise<void> {
  await build({
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    define: { __PRECACHE__: JSON.stringify(builtFiles(directory)) },
    build: {
      outDir: directory,
      emptyOutDir: false,
      target: "es2022",
      lib: { entry, formats: ["iife"], name: "hanjiServiceWorker", fileName: () => "service_worker.js" },
    },
  });
}
