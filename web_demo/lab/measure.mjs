// Times recommend() of several bundles on all engines alternately in one page of Chromium; prints JSON.
//
//   node lab/measure.mjs ROUNDS RUNS NAME=DIRECTORY …
//
// The output is {"latencies": {"NAME ENGINE": [latency of each round, …], …}, …}, where a latency is the
// loader's `Latency`.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import { build } from "vite";
import { placeBundles } from "../scripts/bundles.mjs";
import { ISOLATED, serveFolders } from "../scripts/static_server.mjs";

const HERE = import.meta.dirname;
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const HISTORY_LENGTH = 20;

const [rounds, runs, ...bundleArgs] = process.argv.slice(2);
const bundles = bundleArgs.map((argument) => {
  const equals = argument.indexOf("=");
  return [argument.slice(0, equals), argument.slice(equals + 1)];
});
const folder = mkdtempSync(path.join(tmpdir(), "hanji-lab-"));
try {
  process.stdout.write(JSON.stringify(await measure()));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure() {
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
    const options = {
      names: bundles.map(([name]) => name),
      rounds: Number(rounds),
      runs: Number(runs),
      length: HISTORY_LENGTH,
    };
    const latencies = await page.evaluate(inPage, options);
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

/** Runs in the page: opens every bundle on every engine, then times them alternately. */
async function inPage({ names, rounds, runs, length }) {
  const { RemoteRecommender, OrtRecommender, interleaved } = globalThis.lab;
  const timed = {};
  for (const name of names) {
    const url = `bundles/${name}/`;
    const tfjs = await RemoteRecommender.open(url, { engine: "tfjs" });
    const litert = await RemoteRecommender.open(url, { engine: "litert" });
    const onnxruntime = await OrtRecommender.open(url);
    const ids = tfjs.items.ids.values.slice(100, 100 + length);
    const query = tfjs.takes === "history" ? { history: ids } : { user: 7 };
    for (const [engine, model] of Object.entries({ tfjs, litert, onnxruntime }))
      timed[`${name} ${engine}`] = { model, query };
  }
  await interleaved(timed, 1, runs); // warm-up: compiles everything
  return interleaved(timed, rounds, runs);
}

function versions() {
  const names = ["@tensorflow/tfjs-core", "@litertjs/core", "onnxruntime-web"];
  const version = (name) =>
    JSON.parse(readFileSync(path.join(HERE, "../node_modules", name, "package.json"), "utf8")).version;
  return Object.fromEntries(names.map((name) => [name, version(name)]));
}
