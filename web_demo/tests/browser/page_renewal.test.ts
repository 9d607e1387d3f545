/** Updates of the page itself: a new build is activated only if all its files are valid. */

import { createHash } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { launch } from "./chromium.ts";
import type { Site } from "./site.ts";
import { openSite, ready, visit, waitUntilStored } from "./visit.ts";

let browser: Browser;
let site: Site;
let close: () => Promise<void>;
let page: Page;

beforeAll(async () => {
  [browser, { site, close }] = [await launch(), await openSite()];
});

afterEach(async () => {
  await page.context().close();
  site.reset();
});

afterAll(async () => {
  await browser?.close();
  await close?.();
});

const sha256 = (content: Buffer | string): string => createHash("sha256").update(content).digest("hex");

/** Serves a build whose index.html has another description. */
function publishPage(text: string): void {
  const before = site.content("index.html");
  const html = before.toString("utf8").replace(/(name="description" content=")[^"]*/, `$1${text}`);
  const script = site.content("service_worker.js").toString("utf8");
  site.serve("index.html", html);
  site.serve("service_worker.js", script.replaceAll(sha256(before), sha256(html)));
}

const description = (): Promise<string | null> => page.getAttribute("meta[name=description]", "content");

async function visitUntilStored(): Promise<void> {
  ({ page } = await visit(browser, site));
  await ready(page);
  await waitUntilStored(page);
}

it("shows a new build when the user confirms", async () => {
  await visitUntilStored();
  publishPage("A new page");
  await page.reload();
  expect(await description()).not.toBe("A new page"); // the old build is used until the new one is complete
  await page.waitForSelector("#toast.shown", { timeout: 30_000 });
  expect(await page.textContent("#toast")).toContain("A new version of this page is ready");
  await Promise.all([page.waitForEvent("load"), page.locator("#toast .button").click()]);
  await ready(page);
  expect(await description()).toBe("A new page");
  await site.stop();
  await page.reload();
  await ready(page);
  expect(await description()).toBe("A new page");
  await site.start();
});

it("keeps the old build if a file of the new one is damaged", async () => {
  await visitUntilStored();
  publishPage("A damaged page");
  site.serve("index.html", "<p>something else</p>");
  await page.reload();
  await ready(page);
  await page.waitForTimeout(1500);
  await site.stop();
  await page.reload();
  await ready(page);
  expect(await page.locator("#toast.shown").count()).toBe(0);
  await site.start();
});

it("works without a service worker if it cannot be installed", async () => {
  site.serve("icons/icon-192.png", "not an image");
  ({ page } = await visit(browser, site));
  await ready(page);
  await page.click("#nav-engine");
  await page.waitForSelector('#offline-state[data-offline="never"]', { timeout: 20_000 });
});
