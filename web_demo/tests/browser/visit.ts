/** A site with the demo's bundles, and visits that record console messages and requests to other origins. */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from "playwright-core";
import { inject } from "vitest";
import { placeBundles } from "../../scripts/bundles.mjs";
import { bundleFolder } from "../bundles.ts";
import { chromiumPath, launch } from "./chromium.ts";
import { Site } from "./site.ts";

const FAKE_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

/**
 * Starts a site with a recommender "films" and a classifier "digits", and their full models if available.
 */
export async function openSite(
  recommender: "history" | "users" = "history",
): Promise<{ site: Site; hasFull: boolean; close: () => Promise<void> }> {
  const folder = mkdtempSync(path.join(tmpdir(), "hanji-page-"));
  const [films, digits] = [bundleFolder(recommender), bundleFolder("digits")];
  const full = [fullFolder(films), fullFolder(digits)];
  const hasFull = full.every((each) => existsSync(path.join(each, "manifest.json")));
  const more = hasFull
    ? ([
        ["films-full", full[0]],
        ["digits-full", full[1]],
      ] as [string, string][])
    : [];
  placeBundles(folder, [["films", films], ["digits", digits], ...more]);
  const site = await new Site(inject("pageFolder"), folder).start();
  const close = async (): Promise<void> => {
    await site.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { site, hasFull, close };
}

/** The folder where `hanji build` writes the full model. */
function fullFolder(bundle: string): string {
  return path.join(bundle, "../full");
}

/** A browser with a fake camera that shows a moving test image. */
export function launchWithCamera(): Promise<Browser> {
  return launch({ args: FAKE_CAMERA });
}

/** A browser with a profile on disk, which survives a restart. */
export function launchProfile(profile: string): Promise<BrowserContext> {
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launchPersistentContext(profile, { executablePath: chromiumPath(), args, locale: "en-US" });
}

/** A page, with the problems and requests to other origins recorded while it is open. */
export interface Visit {
  page: Page;
  /** Console messages and uncaught errors. */
  problems: string[];
  /** URLs requested from other origins. */
  foreignRequests: string[];
}

/** Opens the site in a new browser context. */
export async function visit(
  browser: Browser,
  site: Site,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ locale: "en-US", acceptDownloads: true, ...options });
  return open(await context.newPage(), site);
}

/** Opens the site and records problems and requests. */
export async function open(page: Page, site: Site): Promise<Visit> {
  const [problems, foreignRequests]: [string[], string[]] = [[], []];
  page.on("console", (message) =>
    problems.push(`${message.type()}: ${message.text()} ${message.location().url}`),
  );
  page.on("pageerror", (error) => problems.push(error.message));
  page.context().on("request", (request) => {
    if (!request.url().startsWith(site.url) && !/^(data|blob):/.test(request.url()))
      foreignRequests.push(request.url());
  });
  await page.goto(site.url);
  return { page, problems, foreignRequests };
}

/** Waits until the recommender is ready. */
export async function ready(page: Page): Promise<void> {
  await page.waitForSelector("#search:not([disabled])", { timeout: 30_000 });
}

/** Picks the first few suggestions, and waits for ten recommendations. */
export async function pickSuggestions(page: Page, count: number): Promise<void> {
  for (let picks = 0; picks < count; picks++) await page.locator(".suggestion").first().click();
  await showsTen(page);
}

/** Waits until there are ten up-to-date recommendations. */
export async function showsTen(page: Page): Promise<void> {
  const ten = '.answer-body[aria-busy="false"] .recommendation:nth-child(10)';
  await page.waitForSelector(ten, { timeout: 30_000 });
}

/** Waits in the diagnostics view until page and models are stored, and goes back. */
export async function waitUntilStored(page: Page): Promise<void> {
  const back = await page.evaluate(() => location.hash || "#recommend");
  await page.click("#nav-engine");
  for (const name of ["films", "digits"]) {
    await page.getByRole("button", { name, exact: true }).click();
    await page.waitForSelector('#offline-state[data-offline="ready"]', { timeout: 60_000 });
  }
  await page.click(`#nav-${back.slice(1)}`);
}

/** SHA-256 of the version of `name` that is in use. */
export function storedVersion(page: Page, name: string): Promise<string | undefined> {
  return page.evaluate(
    (name) =>
      new Promise<string | undefined>((resolve, reject) => {
        const request = indexedDB.open("hanji");
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
          const get = request.result.transaction("versions").objectStore("versions").get(name);
          get.onsuccess = () => resolve(get.result?.sha256);
        };
      }),
    name,
  );
}

/** Draws on the board; coordinates are relative to its side. */
export async function draw(page: Page, points: readonly (readonly [number, number])[]): Promise<void> {
  await page.locator("#board").scrollIntoViewIfNeeded();
  const box = await page.locator("#board").boundingBox();
  if (!box) throw new Error("the board is not visible");
  const toPixels = ([x, y]: readonly [number, number]): [number, number] => [
    box.x + x * box.width,
    box.y + y * box.height,
  ];
  await page.mouse.move(...toPixels(points[0] ?? [0.5, 0.5]));
  await page.mouse.down();
  for (const point of points.slice(1)) await page.mouse.move(...toPixels(point), { steps: 3 });
  await page.mouse.up();
}
