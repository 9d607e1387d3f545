// Times recommend() of several bundles on all engines in one page of Chromium, in turns; JSON on stdout.
//
//   node lab/measure.mjs ROUNDS RUNS NAME=DIRECTORY …
//
// What is printed is {"latencies": {"NAME ENGINE": [latency of each round, …], …}, …}; a latency is that of
// the loader.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import { build } from "vite";
import { placeBundles } from "../scripts/bundles.mjs";
import { ISOLATED, serveFolders } from "../scripts/static_server.mjs";

const HERE = import.meta.dirname;
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const HISTORY = 20;

const [rounds, runs, ...places] = process.argv.slice(2);
const bundles = places.map((place) => {
  const equals = place.indexOf("=");
  return [place.slice(0, equals), place.slice(equals + 1)];
});
const folder = mkdtempSync(path.join(tmpdir(), "hanji-lab-"));
try {
  process.stdout.write(JSON.stringify(await measured()));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measured() {
  await build({
    configFile: path.join(HERE, "vite.config.ts"),
    root: HERE,
    logLevel: "error",
    build: { outDir: folder },
  });
  placeBundles(path.join(folder, "bundles"), bundles);
  const server = await serveFolders({ "": folder }, { headers: ISOLATED });
  const executablePath = process.env.HANJI_CHROMIUM ?? CHROMIUM.find(existsSync);
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const page = await browser.newPage();
    page.on("console", (message) => console.error(message.text()));
    await page.goto(server.url);
    await page.waitForFunction(() => "lab" in globalThis);
    const asked = {
      names: bundles.map(([name]) => name),
      rounds: Number(rounds),
      runs: Number(runs),
      length: HISTORY,
    };
    const latencies = await page.evaluate(inPage, asked);
    const isolated = await page.evaluate(() => globalThis.crossOriginIsolated);
    return {
      latencies,
      isolated,
      chromium: browser.version(),
      node: process.version,
      web_versions: versions(),
    };
  } finally {
    await browser.close();
    await server.close();
  }
}

/** In the page: opens every bundle on every engine, then asks them in turns. */
async function inPage({ names, rounds, runs, length }) {
  const { RemoteRecommender, OrtRecommender, interleaved } = globalThis.lab;
  const timed = {};
  for (const name of names) {
    const url = `bundles/${name}/`;
    const tfjs = await RemoteRecommender.open(url, { engine: "tfjs" });
    const litert = await RemoteRecommender.open(url, { engine: "litert" });
    const onnxruntime = await OrtRecommender.open(url);
    const ids = tfjs.items.ids.values.slice(100, 100 + length);
    const ask = tfjs.takes === "history" ? { history: ids } : { user: 7 };
    for (const [engine, model] of Object.entries({ tfjs, litert, onnxruntime }))
      timed[`${name} ${engine}`] = { model, ask };
  }
  await interleaved(timed, 1, runs); // so that everything has been compiled
  return interleaved(timed, rounds, runs);
}

function versions() {
  const names = ["@tensorflow/tfjs-core", "@litertjs/core", "onnxruntime-web"];
  const version = (name) =>
    JSON.parse(readFileSync(path.join(HERE, "../node_modules", name, "package.json"), "utf8")).version;
  return Object.fromEntries(names.map((name) => [name, version(name)]));
}
