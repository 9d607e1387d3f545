/**
 * Where tests find their bundles.
 *
 * tests/ports.py builds them, and tests/web says where in HANJI_WEB_BUNDLES: a folder with `history`, `users`
 * and `digits`, each as `hanji build` leaves it, and answers.json, what the Python runtime answered. Without
 * it, those of `make demo` are taken as far as they go.
 */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { PictureInput } from "../src/hanji/manifest.types.ts";

const OUT = path.join(import.meta.dirname, "../../out");
const FOLDER = process.env["HANJI_WEB_BUNDLES"];

export type BundleName = "history" | "users" | "digits";

const DEMO: Record<BundleName, string> = {
  history: path.join(OUT, "demo/bundle"),
  users: path.join(OUT, "no-demo-of-users"),
  digits: path.join(OUT, "demo-digits/bundle"),
};

/** The folder of a bundle; it may not be there. */
export function bundleFolder(name: BundleName): string {
  return FOLDER ? path.join(FOLDER, name, "bundle") : DEMO[name];
}

export function hasBundle(name: BundleName): boolean {
  return existsSync(path.join(bundleFolder(name), "manifest.json"));
}

/** One question to the Python runtime and its answer; see tests/web/answers.py. */
export interface Answer {
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

export interface Answers {
  onnxruntime: Answer[];
  litert: Answer[];
  /** Of all items by LiteRT in Python: bytes of float32 in base64. */
  litert_scores: { bundle: "history" | "users"; ask: Answer["ask"]; scores: string }[];
  /** Pictures, and the bytes that they become. */
  pictures: {
    source: { height: number; width: number; channels: 1 | 3 | 4; pixels: string };
    picture: PictureInput;
    prepared: string;
  }[];
  /** Bytes of float32 probabilities of each golden picture, by LiteRT in Python, in base64. */
  digits_litert: string[];
}

/** What Python answered; undefined where nobody has asked it. */
export function pythonAnswers(): Answers | undefined {
  const file = FOLDER ? path.join(FOLDER, "answers.json") : "";
  return file && existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Answers) : undefined;
}
