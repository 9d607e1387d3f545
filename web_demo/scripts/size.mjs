// The gzipped download size of a first visit without models: all files except those that are loaded on
// demand.
//
//   npm run size [-- FOLDER]    prints the files and the sum; exits 1 above 350 kB

import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

const MAX_BYTES = 350_000;
/** Loaded on demand: optional engines, files for browsers without SIMD, licences, icons, bundles. */
const ON_DEMAND = [
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
    (name) => statSync(path.join(folder, name)).isFile() && !ON_DEMAND.some((pattern) => pattern.test(name)),
  )
  .map((name) => ({ name, bytes: gzipSync(readFileSync(path.join(folder, name)), { level: 9 }).length }));
for (const { name, bytes } of files.sort((left, right) => right.bytes - left.bytes)) {
  console.log(`${String(bytes).padStart(8)}  ${name}`);
}
const sum = files.reduce((total, { bytes }) => total + bytes, 0);
console.log(`${String(sum).padStart(8)}  bytes gzipped in total, limit ${MAX_BYTES}`);
if (sum > MAX_BYTES) process.exit(1);
