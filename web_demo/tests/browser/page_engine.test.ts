/** The diagnostics view: downloaded files, self-tests, latencies and comparisons. */

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { launch } from "./chromium.ts";
import type { Site } from "./site.ts";
import { openSite, pickSuggestions, ready, visit, type Visit } from "./visit.ts";

let browser: Browser;
let site: Site;
let hasFull: boolean;
let close: () => Promise<void>;
let seen: Visit;

beforeAll(async () => {
  [browser, { site, hasFull, close }] = [await launch(), await openSite()];
});

afterEach(async () => {
  await seen.page.context().close();
  expect(seen.foreignRequests).toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  await close?.();
});

async function diagnosticsPage(): Promise<Page> {
  seen = await visit(browser, site);
  await ready(seen.page);
  await pickSuggestions(seen.page, 2);
  await seen.page.click("#nav-engine");
  await seen.page.waitForSelector("#run-self-test");
  return seen.page;
}

it("lists the downloaded and verified files", async () => {
  const page = await diagnosticsPage();
  const rows = await page.locator("#files tbody tr").allTextContents();
  const manifest = JSON.parse(site.content("bundles/films/manifest.json").toString("utf8"));
  for (const { path, sha256 } of manifest.artifacts.find(
    ({ format }: { format: string }) => format === "tfjs",
  ).files) {
    expect(
      rows.some((row) => row.includes(path) && row.includes(sha256.slice(0, 12)) && row.includes("Verified")),
    ).toBe(true);
  }
  expect(rows.some((row) => row.includes("model.onnx"))).toBe(false);
  expect(await page.textContent("#answers")).toContain("TF.js, WebAssembly");
});

it("runs the self-test and measures latencies of both models", async () => {
  const page = await diagnosticsPage();
  for (const name of ["films", "digits"]) {
    await page.getByRole("button", { name, exact: true }).click();
    await page.waitForSelector("#run-self-test");
    await page.click("#run-self-test");
    await page.waitForSelector("#self-test .notice.good", { timeout: 30_000 });
    await page.click("#measure");
    await page.waitForSelector("#latency dl", { timeout: 60_000 });
    expect(await page.textContent("#latency dl")).toMatch(/p50.*ms.*p90.*ms.*p99.*ms/);
  }
});

it("compares the engines, whose results agree", async () => {
  const page = await diagnosticsPage();
  await page.click("#compare-engines");
  await page.waitForFunction(() => document.querySelectorAll("#engines tbody tr").length === 4, undefined, {
    timeout: 90_000,
  });
  const rows = await page.locator("#engines tbody tr").allTextContents();
  for (const engine of ["TF.js, WebAssembly", "TF.js, plain JavaScript", "LiteRT.js"]) {
    expect(rows.find((row) => row.startsWith(engine))).toContain("10 of 10");
  }
});

it("compares the full model with the compressed one, or reports that it is missing", async () => {
  const page = await diagnosticsPage();
  if (!hasFull) return expect(await page.textContent("#full")).toContain("is not part of this page");
  await page.click("#compare-full");
  await page.waitForSelector(".pair", { timeout: 60_000 });
  await expect.poll(() => page.locator(".side").count()).toBe(2);
  await expect.poll(() => page.locator(".side li").count()).toBe(20);
  expect(await page.textContent("#full")).toMatch(/times smaller/);
});

it("switches the engine, downloads it on demand, and remembers the selection", async () => {
  site.requests = [];
  const page = await diagnosticsPage();
  expect(site.requests.filter((name) => name.includes("litert"))).toEqual([]);
  await page.selectOption("#engine-select", "litert-wasm");
  await expect.poll(() => page.textContent("#answers dl"), { timeout: 60_000 }).toContain("LiteRT.js");
  expect(site.requests.some((name) => name.includes("litert"))).toBe(true);
  await page.click("#nav-recommend");
  await page.waitForSelector(".recommendation");
  await expect
    .poll(() => page.textContent(".answer"))
    .toContain("This engine cannot explain recommendations");
  await page.reload();
  await page.waitForSelector(".recommendation", { timeout: 30_000 });
  await page.click("#nav-engine");
  expect(await page.textContent("#answers dl")).toContain("LiteRT.js");
});
