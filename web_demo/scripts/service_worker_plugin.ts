/**
 * Builds src/service_worker.ts into service_worker.js at the root of the build, with the list of what it may
 * keep.
 *
 * The list is put in the place of __PRECACHE__: path, bytes and SHA-256 of every file of the build, so that a
 * service worker changes exactly if a file does. Bundles are not in it: they are data, and have hashes of
 * their own.
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { build, type Plugin } from "vite";

export interface BuiltFile {
  /** Relative to the build, "/" between the parts. */
  path: string;
  bytes: number;
  sha256: string;
}

/**
 * Every file under `directory` but those of bundles and the service worker itself, in the order of their
 * paths.
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
