/** Damaged bundles and new versions: invalid ones are never used, and the previous version stays in use. */

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launch } from "./chromium.ts";
import { damage, publish } from "./new_version.ts";
import type { Site } from "./site.ts";
import {
  openSite,
  pickSuggestions,
  ready,
  storedVersion,
  visit,
  waitUntilStored,
  type Visit,
} from "./visit.ts";

let browser: Browser;
let site: Site;
let close: () => Promise<void>;
let seen: Visit;

beforeAll(async () => {
  [browser, { site, close }] = [await launch(), await openSite()];
});

afterEach(async () => {
  await seen.page.context().close();
  expect(seen.foreignRequests).toEqual([]);
  site.reset();
});

afterAll(async () => {
  await browser?.close();
  await close?.();
});

interface Golden {
  artifacts: Record<string, { cases: { scores: number[] }[] }>;
}

/** A page that is stored for offline use, with two picks and ten recommendations. */
async function storedPage(): Promise<{ page: Page; stored: string | undefined; ten: string[] }> {
  seen = await visit(browser, site);
  const { page } = seen;
  await ready(page);
  await pickSuggestions(page, 2);
  await waitUntilStored(page);
  const ten = await page.locator(".recommendation h3").allTextContents();
  return { page, stored: await storedVersion(page, "films"), ten };
}

async function expectToast(page: Page, text: string): Promise<void> {
  await page.waitForSelector("#toast.shown", { timeout: 30_000 });
  expect(await page.textContent("#toast")).toContain(text);
}

describe("a damaged bundle", () => {
  it.each(["items.json", "tfjs/group1-shard1of1.bin", "manifest.json"])(
    "is rejected with a clear message: %s",
    async (file) => {
      damage(site, "films", file);
      seen = await visit(browser, site);
      const { page } = seen;
      await page.waitForSelector(".notice.bad", { timeout: 30_000 });
      const text = await page.textContent(".notice.bad");
      expect(text).toContain("This model was not used");
      expect(text).toContain(file);
      expect(text).toMatch(/sha256/);
      expect(await page.isDisabled("#search")).toBe(true);
      // The rest of the page keeps working, and the repaired file is accepted.
      site.reset();
      await page.locator(".notice.bad .button").click();
      await ready(page);
      expect(await page.locator(".notice.bad").count()).toBe(0);
    },
  );
});

describe("a new version", () => {
  it("is not used if its self-test fails, now and at the next visit", async () => {
    const { page, stored, ten } = await storedPage();
    const bad = publish<Golden>(site, "films", "golden.json", (golden) => {
      for (const { cases } of Object.values(golden.artifacts))
        for (const each of cases) each.scores = each.scores.map((score) => score + 1);
    });
    await page.reload();
    await expectToast(page, "failed its checks");
    expect(await storedVersion(page, "films")).toBe(stored);
    await expect.poll(() => page.locator(".recommendation h3").allTextContents()).toEqual(ten);
    await page.click("#nav-engine");
    await page.waitForSelector(".refused");
    expect(await page.textContent(".refused")).toContain(bad.slice(0, 12));
    expect(await page.textContent(".refused")).toContain("self-test");
    expect(await page.evaluate((name) => caches.has(name), `hanji-bundle-${bad}`)).toBe(false);

    site.requests = [];
    await page.reload();
    await page.waitForSelector("#toast.shown");
    expect(site.requests.filter((name) => name.startsWith("bundles/films/"))).toEqual([]);
  });

  it("is not used if a file is damaged, but is used once it is repaired", async () => {
    const { page, stored } = await storedPage();
    const next = publish<{ titles: string[] }>(
      site,
      "films",
      "items.json",
      ({ titles }) => (titles[0] = "A New Title"),
    );
    const intact = site.content("bundles/films/items.json");
    damage(site, "films", "items.json");
    await page.reload();
    await expectToast(page, "failed its checks");
    expect(await storedVersion(page, "films")).toBe(stored);
    site.serve("bundles/films/items.json", intact);
    await page.click("#nav-engine");
    await page.click("#check");
    await expect.poll(() => storedVersion(page, "films"), { timeout: 30_000 }).toBe(next);
  });

  it("is used at once, and also without the server", async () => {
    const { page, stored } = await storedPage();
    const next = publish<{ titles: string[] }>(
      site,
      "films",
      "items.json",
      ({ titles }) => (titles[0] = "Quite Another Film"),
    );
    expect(next).not.toBe(stored);
    await page.reload();
    await expectToast(page, "A new model was downloaded, verified and tested");
    expect(await storedVersion(page, "films")).toBe(next);
    await page.fill("#search", "quite another");
    expect(await page.textContent("#search-options")).toContain("Quite Another Film");
    await site.stop();
    try {
      await page.reload();
      await ready(page);
      await page.fill("#search", "quite another");
      expect(await page.textContent("#search-options")).toContain("Quite Another Film");
    } finally {
      await site.start();
    }
  });
});
