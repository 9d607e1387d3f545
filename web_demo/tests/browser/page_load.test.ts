/** The first load: how much, how soon, from where, and under which policy. */

import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CONTENT_SECURITY_POLICY } from "../../src/policy.ts";
import { launch } from "./chromium.ts";
import type { Site } from "./site.ts";
import { openSite, visit, waitUntilKept } from "./visit.ts";

const LARGEST_FIRST_LOAD = 350_000;
const LATEST_ANSWER_MS = 2000;
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

it("takes at most 350 kB gzipped without the model, and answers within two seconds", async () => {
  const answered: number[] = [];
  let files: string[] = [];
  for (let at = 0; at < VISITS; at++) {
    site.requests = [];
    const { page } = await visit(browser, site);
    await page.waitForFunction(() => performance.getEntriesByName("hanji-answers").length > 0);
    files = site.requests.filter((name) => !name.startsWith("bundles/films/"));
    answered.push(
      await page.evaluate(() => performance.getEntriesByName("hanji-answers")[0]?.startTime ?? Infinity),
    );
    await page.context().close();
  }
  answered.sort((a, b) => a - b);
  const sizes = [...new Set(files)]
    .filter((name) => site.has(name))
    .map((name) => [name, gzipSync(site.content(name)).length] as const);
  const sum = sizes.reduce((all, [, bytes]) => all + bytes, 0);
  console.log(`first load, gzipped: ${sum} bytes`, Object.fromEntries(sizes));
  console.log(
    `answers after ms (${VISITS} visits, cold): ${answered.map((ms) => Math.round(ms)).join(", ")}`,
  );
  expect(sum).toBeLessThanOrEqual(LARGEST_FIRST_LOAD);
  expect(answered[VISITS >> 1]).toBeLessThanOrEqual(LATEST_ANSWER_MS);
  expect(files.filter((name) => /litert|tfjs_other/.test(name))).toEqual([]);
});

it("asks nobody but its own origin, says nothing in the console, and keeps one policy", async () => {
  const { page, problems, strangers } = await visit(browser, site);
  const policy = await page.getAttribute("meta[http-equiv=Content-Security-Policy]", "content");
  expect(policy).toBe(CONTENT_SECURITY_POLICY);
  await waitUntilKept(page);
  const response = await page.reload();
  expect(response?.fromServiceWorker()).toBe(true);
  expect(response?.headers()["content-security-policy"]).toContain(CONTENT_SECURITY_POLICY);
  await page.context().close();
  expect(problems).toEqual([]);
  expect(strangers).toEqual([]);
});

it("has no script and no style in its HTML, and a manifest whose icons are there", async () => {
  const html = site.content("index.html").toString("utf8");
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/);
  expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/);
  const manifest = JSON.parse(site.content("manifest.webmanifest").toString("utf8"));
  expect(manifest.icons.filter(({ src }: { src: string }) => !site.has(src))).toEqual([]);
});

/** Tries to make a function from text, in a task of its own: what Playwright itself runs may do that. */
const makesFunctions = (): Promise<boolean> =>
  new Promise((resolve) => {
    setTimeout(() => {
      try {
        resolve(new Function("return true")());
      } catch {
        resolve(false);
      }
    });
  });

it("refuses code from text, in the page and in the worker that holds the model", async () => {
  const { page } = await visit(browser, site);
  await page.waitForFunction(() => performance.getEntriesByName("hanji-answers").length > 0);
  const [worker] = page.workers();
  expect(await page.evaluate(makesFunctions)).toBe(false);
  expect(await worker?.evaluate(makesFunctions)).toBe(false);
  await page.context().close();
});
