/** Damaged bundles and new versions: what is not sound is never used, and what was there before stays. */

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launch } from "./chromium.ts";
import { damage, publish } from "./new_version.ts";
import type { Site } from "./site.ts";
import { keptVersion, openSite, pickSuggestions, ready, visit, waitUntilKept, type Visit } from "./visit.ts";

let browser: Browser;
let site: Site;
let close: () => Promise<void>;
let seen: Visit;

beforeAll(async () => {
  [browser, { site, close }] = [await launch(), await openSite()];
});

afterEach(async () => {
  await seen.page.context().close();
  expect(seen.strangers).toEqual([]);
  site.reset();
});

afterAll(async () => {
  await browser?.close();
  await close?.();
});

interface Golden {
  artifacts: Record<string, { cases: { scores: number[] }[] }>;
}

/** A page that has everything it needs, with two picks and their ten. */
async function settled(): Promise<{ page: Page; kept: string | undefined; ten: string[] }> {
  seen = await visit(browser, site);
  const { page } = seen;
  await ready(page);
  await pickSuggestions(page, 2);
  await waitUntilKept(page);
  const ten = await page.locator(".recommendation h3").allTextContents();
  return { page, kept: await keptVersion(page, "films"), ten };
}

async function toastSays(page: Page, text: string): Promise<void> {
  await page.waitForSelector("#toast.shown", { timeout: 30_000 });
  expect(await page.textContent("#toast")).toContain(text);
}

describe("a damaged bundle", () => {
  it.each(["items.json", "tfjs/group1-shard1of1.bin", "manifest.json"])(
    "is refused with a clear message: %s",
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
      // The rest of the page is none the worse for it, and a mended file is taken.
      site.reset();
      await page.locator(".notice.bad .button").click();
      await ready(page);
      expect(await page.locator(".notice.bad").count()).toBe(0);
    },
  );
});

describe("a new version", () => {
  it("is not taken if its self-test fails, now and at the next visit", async () => {
    const { page, kept, ten } = await settled();
    const bad = publish<Golden>(site, "films", "golden.json", (golden) => {
      for (const { cases } of Object.values(golden.artifacts))
        for (const one of cases) one.scores = one.scores.map((score) => score + 1);
    });
    await page.reload();
    await toastSays(page, "failed its checks");
    expect(await keptVersion(page, "films")).toBe(kept);
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

  it("is not taken if a file is damaged on the way, but is once it is mended", async () => {
    const { page, kept } = await settled();
    const next = publish<{ titles: string[] }>(
      site,
      "films",
      "items.json",
      ({ titles }) => (titles[0] = "A New Title"),
    );
    const sound = site.content("bundles/films/items.json");
    damage(site, "films", "items.json");
    await page.reload();
    await toastSays(page, "failed its checks");
    expect(await keptVersion(page, "films")).toBe(kept);
    site.serve("bundles/films/items.json", sound);
    await page.click("#nav-engine");
    await page.click("#check");
    await expect.poll(() => keptVersion(page, "films"), { timeout: 30_000 }).toBe(next);
  });

  it("is taken, answers at once, and is the one that works without the server", async () => {
    const { page, kept } = await settled();
    const next = publish<{ titles: string[] }>(
      site,
      "films",
      "items.json",
      ({ titles }) => (titles[0] = "Quite Another Film"),
    );
    expect(next).not.toBe(kept);
    await page.reload();
    await toastSays(page, "A new model was fetched, checked and tested");
    expect(await keptVersion(page, "films")).toBe(next);
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
