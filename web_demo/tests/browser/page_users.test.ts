/** A recommender that takes a user id: there are no picks and no reasons. */

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBundle } from "../bundles.ts";
import { launch } from "./chromium.ts";
import type { Site } from "./site.ts";
import { openSite, showsTen, visit } from "./visit.ts";

describe.skipIf(!hasBundle("users"))("a model that takes a user id", () => {
  let browser: Browser;
  let site: Site;
  let close: () => Promise<void>;

  beforeAll(async () => {
    [browser, { site, close }] = [await launch(), await openSite("users")];
  });

  afterAll(async () => {
    await browser?.close();
    await close?.();
  });

  it("shows a field for the user id", async () => {
    const { page, problems } = await visit(browser, site);
    await page.waitForSelector("#user", { timeout: 30_000 });
    expect(await page.locator("#search, .suggestion, .chip").count()).toBe(0);
    await page.fill("#user", "3");
    await page.keyboard.press("Enter");
    await showsTen(page);
    expect(await page.locator(".why, .like").count()).toBe(0);
    await page.click("#nav-engine");
    await page.click("#run-self-test");
    await page.waitForSelector("#self-test .notice.good");
    await page.context().close();
    expect(problems).toEqual([]);
  });
});
