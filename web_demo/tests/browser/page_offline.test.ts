/** Offline: the page is served by the service worker, models from the stored versions. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Site } from "./site.ts";
import {
  draw,
  launchProfile,
  open,
  openSite,
  pickSuggestions,
  ready,
  showsTen,
  waitUntilStored,
} from "./visit.ts";

let site: Site;
let close: () => Promise<void>;
let context: BrowserContext;
const profile = mkdtempSync(path.join(tmpdir(), "hanji-profile-"));

beforeAll(async () => {
  ({ site, close } = await openSite());
  context = await launchProfile(profile);
});

afterAll(async () => {
  await context?.close();
  await close?.();
  rmSync(profile, { recursive: true, force: true });
});

/** Checks the main features of the page. */
async function expectWorking(page: Page): Promise<void> {
  await showsTen(page);
  await expect.poll(() => page.locator(".why").count()).toBe(10);
  await page.click("#nav-classify");
  await draw(page, [
    [0.3, 0.2],
    [0.7, 0.2],
    [0.45, 0.8],
  ]);
  await expect.poll(() => page.locator(".bars li").count(), { timeout: 20_000 }).toBe(5);
  await page.click("#nav-engine");
  await page.click("#run-self-test");
  await page.waitForSelector("#self-test .notice.good", { timeout: 20_000 });
  expect(await page.textContent("#files")).toContain("Read from this browser's storage");
}

it("works without the server, and after a restart of the browser", async () => {
  const { page, problems } = await open(context.pages()[0] ?? (await context.newPage()), site);
  await ready(page);
  await pickSuggestions(page, 2);
  const ten = await page.locator(".recommendation h3").allTextContents();
  await waitUntilStored(page);
  expect(problems).toEqual([]);
  await site.stop();

  await page.reload();
  await expectWorking(page);
  await page.click("#check");
  await page.waitForSelector("#offline .outcome .notice");
  expect(await page.textContent("#offline .outcome")).toContain("could not be reached");
  await context.close();

  context = await launchProfile(profile);
  const again = context.pages()[0] ?? (await context.newPage());
  await again.goto(site.url);
  await again.waitForSelector(".recommendation");
  await expect.poll(() => again.locator(".recommendation h3").allTextContents()).toEqual(ten);
  await expectWorking(again);
  await site.start();
});

it("falls back to the network if stored files are damaged", async () => {
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(site.url);
  await ready(page);
  await page.evaluate(async () => {
    for (const name of (await caches.keys()).filter((each) => each.startsWith("hanji-bundle-"))) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        if (request.url.endsWith("items.json")) await cache.put(request, new Response("{}"));
      }
    }
  });
  await page.reload();
  await showsTen(page);
  await waitUntilStored(page);
  expect(await page.locator(".notice.bad").count()).toBe(0);
});
