/** New builds of the page itself: they are fetched aside, too, and take over whole or not at all. */

import { createHash } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { launch } from "./chromium.ts";
import type { Site } from "./site.ts";
import { openSite, ready, visit, waitUntilKept } from "./visit.ts";

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

/** Serves a build whose index.html says `words` as its description. */
function publishPage(words: string): void {
  const before = site.content("index.html");
  const html = before.toString("utf8").replace(/(name="description" content=")[^"]*/, `$1${words}`);
  const script = site.content("service_worker.js").toString("utf8");
  site.serve("index.html", html);
  site.serve("service_worker.js", script.replaceAll(sha256(before), sha256(html)));
}

const description = (): Promise<string | null> => page.getAttribute("meta[name=description]", "content");

async function settled(): Promise<void> {
  ({ page } = await visit(browser, site));
  await ready(page);
  await waitUntilKept(page);
}

it("shows a new build when its user wants it", async () => {
  await settled();
  publishPage("A new page");
  await page.reload();
  expect(await description()).not.toBe("A new page"); // the old one, until the new one is all there
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

it("keeps the old build if a file of the new one is not what was built", async () => {
  await settled();
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

it("works without a service worker where one cannot be installed", async () => {
  site.serve("icons/icon-192.png", "no picture");
  ({ page } = await visit(browser, site));
  await ready(page);
  await page.click("#nav-engine");
  await page.waitForSelector('#offline-state[data-offline="never"]', { timeout: 20_000 });
});
