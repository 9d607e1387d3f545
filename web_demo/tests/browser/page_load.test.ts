/** The first load: size, time, origins and Content-Security-Policy. */

import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CONTENT_SECURITY_POLICY } from "../../src/policy.ts";
import { launch } from "./chromium.ts";
import type { Site } from "./site.ts";
import { openSite, visit, waitUntilStored } from "./visit.ts";

const MAX_FIRST_LOAD_BYTES = 350_000;
const MAX_TIME_TO_READY_MS = 2000;
const VISITS = 5;

let browser: Browser;
let site: Site;
let close: () => Promise<void>;

beforeAll(async () => {
  [browser, { site, close }] = [await launch(), await openSite()];
});

afterAll(async () => {
  await browser?.close();
  await close?.();
});

it("downloads at most 350 kB gzipped without the model, and is ready within two seconds", async () => {
  const readyTimes: number[] = [];
  let files: string[] = [];
  for (let visits = 0; visits < VISITS; visits++) {
    site.requests = [];
    const { page } = await visit(browser, site);
    await page.waitForFunction(() => performance.getEntriesByName("hanji-answers").length > 0);
    files = site.requests.filter((name) => !name.startsWith("bundles/films/"));
    readyTimes.push(
      await page.evaluate(() => performance.getEntriesByName("hanji-answers")[0]?.startTime ?? Infinity),
    );
    await page.context().close();
  }
  readyTimes.sort((a, b) => a - b);
  const sizes = [...new Set(files)]
    .filter((name) => site.has(name))
    .map((name) => [name, gzipSync(site.content(name)).length] as const);
  const sum = sizes.reduce((total, [, bytes]) => total + bytes, 0);
  console.log(`first load, gzipped: ${sum} bytes`, Object.fromEntries(sizes));
  console.log(
    `ready after ms (${VISITS} visits, cold cache): ${readyTimes.map((ms) => Math.round(ms)).join(", ")}`,
  );
  expect(sum).toBeLessThanOrEqual(MAX_FIRST_LOAD_BYTES);
  expect(readyTimes[VISITS >> 1]).toBeLessThanOrEqual(MAX_TIME_TO_READY_MS);
  expect(files.filter((name) => /litert|tfjs_other/.test(name))).toEqual([]);
});

it("requests only its own origin, logs nothing, and has the same policy everywhere", async () => {
  const { page, problems, foreignRequests } = await visit(browser, site);
  const policy = await page.getAttribute("meta[http-equiv=Content-Security-Policy]", "content");
  expect(policy).toBe(CONTENT_SECURITY_POLICY);
  await waitUntilStored(page);
  const response = await page.reload();
  expect(response?.fromServiceWorker()).toBe(true);
  expect(response?.headers()["content-security-policy"]).toContain(CONTENT_SECURITY_POLICY);
  await page.context().close();
  expect(problems).toEqual([]);
  expect(foreignRequests).toEqual([]);
});

it("has no inline script or style, and a web manifest whose icons exist", async () => {
  const html = site.content("index.html").toString("utf8");
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/);
  expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/);
  const manifest = JSON.parse(site.content("manifest.webmanifest").toString("utf8"));
  expect(manifest.icons.filter(({ src }: { src: string }) => !site.has(src))).toEqual([]);
});

/** Whether a string can be evaluated as code; in a new task, because code run by Playwright is exempt. */
const canEvaluateStrings = (): Promise<boolean> =>
  new Promise((resolve) => {
    setTimeout(() => {
      try {
        resolve(new Function("return true")());
      } catch {
        resolve(false);
      }
    });
  });

it("blocks the evaluation of strings in the page and in the worker of the model", async () => {
  const { page } = await visit(browser, site);
  await page.waitForFunction(() => performance.getEntriesByName("hanji-answers").length > 0);
  const [worker] = page.workers();
  expect(await page.evaluate(canEvaluateStrings)).toBe(false);
  expect(await worker?.evaluate(canEvaluateStrings)).toBe(false);
  await page.context().close();
});
