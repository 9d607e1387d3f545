/** axe-core on every view, in both languages and both schemes, on a desktop and on a phone. */

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findings } from "./axe.mjs";
import { launch } from "./chromium.ts";
import type { Site } from "./site.ts";
import { draw, openSite, pickSuggestions, ready, visit } from "./visit.ts";

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

/** Visits all views and collects axe findings. */
async function collectFindings(page: Page, compare: boolean): Promise<string[]> {
  const found: string[] = [];
  const check = async (where: string): Promise<void> => {
    found.push(...(await findings(page)).map((finding) => `${where}: ${finding}`));
  };
  await ready(page);
  await check("recommend, empty");
  await page.fill("#search", "the");
  await page.keyboard.press("ArrowDown");
  await check("recommend, searching");
  await page.fill("#search", "");
  await pickSuggestions(page, 2);
  await check("recommend, ten");
  await page.click("#history");
  await check("history");
  await page.keyboard.press("Escape");
  await page.click("#nav-classify");
  await page.waitForSelector(".example");
  await draw(page, [
    [0.3, 0.2],
    [0.7, 0.2],
    [0.45, 0.8],
  ]);
  await page.waitForSelector(".bars li");
  await check("classify, drawing");
  for (const source of ["picture", "camera"]) {
    await page.click(`#source-${source}`);
    await check(`classify, ${source}`);
  }
  await page.click("#nav-engine");
  await page.click("#run-self-test");
  await page.click("#measure");
  await page.waitForSelector("#self-test .notice.good");
  await page.waitForSelector("#latency dl");
  await check("diagnostics");
  if (compare) {
    await page.click("#compare-engines");
    await page.waitForFunction(() => document.querySelectorAll("#engines tbody tr").length === 4, undefined, {
      timeout: 90_000,
    });
    if (await page.locator("#compare-full").count()) {
      await page.click("#compare-full");
      await page.waitForSelector(".pair", { timeout: 60_000 });
    }
    await check("diagnostics, comparisons");
  }
  return found;
}

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

describe.each(["light", "dark"] as const)("%s", (colorScheme) => {
  it.each([
    ["en-US", "desktop"],
    ["ko-KR", "desktop"],
    ["en-US", "phone"],
    ["ko-KR", "phone"],
  ] as const)("has no findings in %s on a %s", async (locale, size) => {
    const { page } = await visit(browser, site, { locale, colorScheme, viewport: SIZES[size] });
    // Comparing engines is slow, so it is done once per scheme and language.
    const compare = size === "desktop" && (colorScheme === "dark") === (locale === "ko-KR");
    const found = await collectFindings(page, compare);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    await page.context().close();
    expect(found).toEqual([]);
    expect(wide).toBe(false);
  });
});

it.each(["en-US", "ko-KR"])("fits the narrowest phone in %s", async (locale) => {
  const { page } = await visit(browser, site, { locale, viewport: { width: 320, height: 568 } });
  await ready(page);
  await pickSuggestions(page, 1);
  for (const view of ["recommend", "classify", "engine"]) {
    await page.click(`#nav-${view}`);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  }
  await page.context().close();
});

it("has no findings if a model was rejected", async () => {
  site.serve("bundles/films/items.json", "{}");
  const { page } = await visit(browser, site);
  await page.waitForSelector(".notice.bad");
  const found = await findings(page);
  await page.context().close();
  site.reset();
  expect(found).toEqual([]);
});
