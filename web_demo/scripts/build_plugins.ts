/**
 * Reduces the size of builds. Comments are removed, so licences are collected in a separate file.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Plugin } from "vite";

/** Rolldown options for builds and workers; licence headers are in THIRD_PARTY_LICENCES.txt instead. */
export const OUTPUT = { output: { comments: false } } as const;

const UNUSED = /tfjs-backend-wasm-threaded-simd(\.worker)?\.js$/;

/** Leaves out the multi-threaded scripts of TF.js; engines/tfjs_wasm.ts uses one thread. */
export function withoutThreads(): Plugin {
  return {
    name: "hanji-without-threads",
    enforce: "pre",
    apply: "build",
    load(id) {
      if (!UNUSED.test(id)) return undefined;
      return "export default undefined; export const wasmWorkerContents = '';";
    },
  };
}

interface Lock {
  packages: Record<string, { version?: string; license?: string; dev?: boolean; optional?: boolean }>;
}

/** Writes the licences of all packages that may be in a build to THIRD_PARTY_LICENCES.txt. */
export function licences(root: string): Plugin {
  return {
    name: "hanji-licences",
    apply: "build",
    generateBundle() {
      const { packages } = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")) as Lock;
      const shipped = Object.entries(packages).filter(
        ([location, { dev, optional }]) => location && !dev && !optional,
      );
      const parts = shipped.map(([location, { version, license }]) => {
        const name = location.slice(location.lastIndexOf("node_modules/") + "node_modules/".length);
        const title = `${name} ${version}, ${license ?? "licence not stated"}`;
        return `${title}\n\n${licenceText(path.join(root, location))}`;
      });
      // Several packages refer to this licence without including its text
      const apache = `Apache-2.0\n\n${readFileSync(path.join(root, "../LICENSE"), "utf8")}`;
      const source = [...parts, apache].join(`\n${"-".repeat(80)}\n`);
      this.emitFile({ type: "asset", fileName: "THIRD_PARTY_LICENCES.txt", source });
    },
  };
}

function licenceText(directory: string): string {
  if (!existsSync(directory)) return "";
  const names = readdirSync(directory).filter((name) => /^(licen[cs]e|notice)/i.test(name));
  return names.map((name) => readFileSync(path.join(directory, name), "utf8")).join("\n");
}
