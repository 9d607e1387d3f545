/** The recommend view: search, ten recommendations with reasons, and a history that stays in the browser. */

import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launch } from "./chromium.ts";
import type { Site } from "./site.ts";
import { openSite, pickSuggestions, ready, showsTen, type Visit, visit } from "./visit.ts";

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
  expect(seen.problems).toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  await close?.();
});

const titles = (): string[] => JSON.parse(site.content("bundles/films/items.json").toString("utf8")).titles;

describe("search", () => {
  it("finds titles while typing, and can be used with the keyboard alone", async () => {
    seen = await visit(browser, site);
    const { page } = seen;
    await ready(page);
    const title = titles()[7] ?? "";
    await page.focus("#search");
    await page.keyboard.type(title.slice(0, -8).toLowerCase());
    await page.keyboard.press("ArrowDown");
    const active = await page.getAttribute("#search", "aria-activedescendant");
    expect(await page.textContent(`#${active} .title`)).toBe(title);
    expect(await page.getAttribute(`#${active}`, "aria-selected")).toBe("true");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".recommendation");
    expect(await page.textContent(".chip")).toContain(title);
    expect(await page.getAttribute("#search", "aria-expanded")).toBe("false");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("search");
  });

  it("ignores word order, and closes with Escape", async () => {
    seen = await visit(browser, site);
    const { page } = seen;
    await ready(page);
    const words = (titles()[2] ?? "").replace(/[()]/g, "").split(" ").reverse();
    await page.fill("#search", words.slice(0, 2).join(" "));
    expect(await page.textContent("#search-options")).toContain(titles()[2]);
    await page.keyboard.press("Escape");
    expect(await page.isHidden("#search-options")).toBe(true);
    await page.fill("#search", "no such title anywhere");
    expect(await page.textContent("#search-options")).toContain("No title like this");
  });
});

describe("recommendations", () => {
  it("have reasons, all from the picks", async () => {
    seen = await visit(browser, site);
    const { page } = seen;
    await ready(page);
    await pickSuggestions(page, 3);
    const picked = await page.locator(".chip span").allTextContents();
    const reasons = await page.locator(".why").allTextContents();
    expect(reasons).toHaveLength(10);
    for (const reason of reasons) {
      expect(reason).toMatch(/^(Because you liked|Close to what you like)/);
      if (reason.startsWith("Because")) expect(picked.some((title) => reason.includes(title))).toBe(true);
    }
    const recommended = await page.locator(".recommendation h3").allTextContents();
    expect(new Set(recommended).size).toBe(10);
    expect(recommended.filter((title) => picked.includes(title))).toEqual([]);
    expect(await page.textContent("#announcer")).toMatch(/10 recommendations for 3 titles/);
  });

  it("change when one of them is liked, and the focus stays visible", async () => {
    seen = await visit(browser, site);
    const { page } = seen;
    await ready(page);
    await pickSuggestions(page, 1);
    const first = await page.locator(".recommendation h3").first().textContent();
    await page.locator(".like").first().press("Enter");
    await page.waitForFunction(() => document.querySelectorAll(".chip").length === 2);
    expect(await page.locator(".chip span").last().textContent()).toBe(first);
    await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe("answer-title");
    await page.locator(".chip button").first().press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("picked-title");
  });

  it("change with more variety", async () => {
    seen = await visit(browser, site);
    const { page } = seen;
    await ready(page);
    await pickSuggestions(page, 1);
    const before = await page.locator(".recommendation h3").allTextContents();
    await page.check(".answer .switch input");
    await expect.poll(() => page.locator(".recommendation h3").allTextContents()).not.toEqual(before);
  });
});

describe("history", () => {
  it("survives a reload, can be exported, and can be deleted", async () => {
    seen = await visit(browser, site);
    const { page } = seen;
    await ready(page);
    await pickSuggestions(page, 2);
    const picked = await page.locator(".chip span").allTextContents();
    const ten = await page.locator(".recommendation h3").allTextContents();
    await page.reload();
    await showsTen(page);
    await expect.poll(() => page.locator(".chip span").allTextContents()).toEqual(picked);
    await expect.poll(() => page.locator(".recommendation h3").allTextContents()).toEqual(ten);

    await page.click("#history");
    await expect.poll(() => page.locator("dialog tbody th").allTextContents()).toEqual(picked);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#history-export")]);
    const exported = JSON.parse(readFileSync(await download.path(), "utf8"));
    expect(exported.bundle).toBe("films");
    expect(exported.picks.map(({ title }: { title: string }) => title)).toEqual(picked);

    await page.click("#history-erase");
    // The first press only asks for confirmation
    await expect.poll(() => page.locator("dialog tbody th").count()).toBe(2);
    await page.click("#history-erase");
    await page.waitForFunction(() => document.querySelectorAll("dialog tbody th").length === 0);
    await page.keyboard.press("Escape");
    await page.reload();
    await ready(page);
    expect(await page.locator(".chip").count()).toBe(0);
    expect(await page.textContent("#history")).toContain("(0)");
  });
});

describe("language", () => {
  it("is the browser's by default, then the selected one", async () => {
    seen = await visit(browser, site, { locale: "ko-KR" });
    const { page } = seen;
    await ready(page);
    expect(await page.getAttribute("html", "lang")).toBe("ko");
    await pickSuggestions(page, 1);
    expect(await page.locator(".why").first().textContent()).toContain("추천합니다");
    await page.click("#language-en");
    expect(await page.getAttribute("html", "lang")).toBe("en");
    await showsTen(page);
    await page.reload();
    await ready(page);
    expect(await page.getAttribute("html", "lang")).toBe("en");
    expect(await page.title()).toContain("run on this device");
  });
});
