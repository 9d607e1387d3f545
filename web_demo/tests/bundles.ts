/**
 * Locations of the bundles for tests.
 *
 * tests/ports.py builds them, and tests/web sets HANJI_WEB_BUNDLES to a folder with the outputs of `hanji
 * build` in `history`, `users` and `digits`, copies with table files in `history-tables` and
 * `users-tables`, answers.json, the outputs of the Python runtime, and hostile.json, files that every loader
 * refuses.
 * Without it, the bundles of `make demo` are used where available.
 */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { ImageInput } from "../src/hanji/manifest.types.ts";

const OUT = path.join(import.meta.dirname, "../../out");
const FOLDER = process.env["HANJI_WEB_BUNDLES"];

export type BundleName = "history" | "users" | "digits" | "history-tables" | "users-tables";

const DEMO: Record<BundleName, string> = {
  history: path.join(OUT, "demo/bundle"),
  users: path.join(OUT, "no-demo-of-users"),
  digits: path.join(OUT, "demo-digits/bundle"),
  "history-tables": path.join(OUT, "no-demo-of-table-files"),
  "users-tables": path.join(OUT, "no-demo-of-table-files"),
};

/** The folder of a bundle, which may not exist. */
export function bundleFolder(name: BundleName): string {
  return FOLDER ? path.join(FOLDER, name, "bundle") : DEMO[name];
}

export function hasBundle(name: BundleName): boolean {
  return existsSync(path.join(bundleFolder(name), "manifest.json"));
}

/** A call of the Python runtime and its result; see tests/web/answers.py. */
export interface PythonCall {
  bundle: BundleName;
  ask: { user?: number | string; history?: (number | string)[] };
  k: number;
  options: {
    excludeSeen?: boolean;
    exclude?: (number | string)[];
    genre?: string;
    diversity?: number;
    explain?: number;
  };
  answer?: {
    items: {
      item: number | string;
      title: string;
      score: number;
      why: { item: number | string; share: number }[];
    }[];
    source: string;
    note: string;
    skipped: number;
  };
  error?: { name: string; message: string };
}

export interface PythonResults {
  onnxruntime: PythonCall[];
  litert: PythonCall[];
  /** Scores of all items by LiteRT in Python: float32 as base64. */
  litert_scores: { bundle: "history" | "users"; ask: PythonCall["ask"]; scores: string }[];
  /** Source images and the results of their preparation. */
  pictures: {
    source: { height: number; width: number; channels: 1 | 3 | 4; pixels: string };
    picture: ImageInput;
    prepared: string;
  }[];
  /** Probabilities of each golden image by LiteRT in Python: float32 as base64. */
  digits_litert: string[];
}

/** The results of the Python runtime, or undefined if they are not available. */
export function pythonResults(): PythonResults | undefined {
  const file = FOLDER ? path.join(FOLDER, "answers.json") : "";
  return file && existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as PythonResults) : undefined;
}

/** A file that no bundle may have: content as base64, and what the message of its refusal contains. */
export interface HostileFile {
  name: string;
  path: string;
  message: string;
  content: string;
}

/** The files of tests/hostile_files.py; none if they are not available. */
export function hostileFiles(): HostileFile[] {
  const file = FOLDER ? path.join(FOLDER, "hostile.json") : "";
  return file && existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as HostileFile[]) : [];
}
