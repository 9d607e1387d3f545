// What the first visit downloads without a model, gzipped: every file but those of engines that are only
// loaded when chosen.
//
//   npm run size [-- FOLDER]    prints the files and the sum; exits 1 above 350 kB

import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

const MOST_BYTES = 350_000;
/** Loaded by need: the other engines, browsers without SIMD, licences, icons, bundles. */
const LATER = [
  /^assets\/(litert|tfjs_other)-/,
  /^wasm\/litert-/,
  /tfjs-backend-wasm\.wasm$/,
  /^THIRD_PARTY/,
  /^icons\//,
  /^bundles\//,
];

const folder = process.argv[2] ?? path.join(import.meta.dirname, "../dist");
const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter(
    (name) => statSync(path.join(folder, name)).isFile() && !LATER.some((pattern) => pattern.test(name)),
  )
  .map((name) => ({ name, bytes: gzipSync(readFileSync(path.join(folder, name)), { level: 9 }).length }));
for (const { name, bytes } of files.sort((left, right) => right.bytes - left.bytes)) {
  console.log(`${String(bytes).padStart(8)}  ${name}`);
}
const sum = files.reduce((total, { bytes }) => total + bytes, 0);
console.log(`${String(sum).padStart(8)}  bytes gzipped in all, at most ${MOST_BYTES}`);
if (sum > MOST_BYTES) process.exit(1);
