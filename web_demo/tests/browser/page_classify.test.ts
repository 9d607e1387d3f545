/** The classify view: drawing, image files and the camera. */

import { readFileSync } from "node:fs";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Site } from "./site.ts";
import { draw, launchWithCamera, openSite, visit, type Visit } from "./visit.ts";

let browser: Browser;
let site: Site;
let close: () => Promise<void>;
let seen: Visit;

beforeAll(async () => {
  [browser, { site, close }] = [await launchWithCamera(), await openSite()];
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

async function classifyPage(): Promise<Page> {
  seen = await visit(browser, site);
  await seen.page.click("#nav-classify");
  await seen.page.waitForSelector(".example", { timeout: 30_000 });
  return seen.page;
}

const best = (page: Page): Promise<string | null> =>
  page.textContent(".bars li:first-child .name", { timeout: 10_000 });

/** Points on an ellipse around the centre. */
function ring(width: number, height: number): [number, number][] {
  return Array.from({ length: 25 }, (_, index) => {
    const angle = (index / 24) * 2 * Math.PI;
    return [0.5 + width * Math.sin(angle), 0.5 - height * Math.cos(angle)];
  });
}

it("classifies drawn digits, shows five classes, and undoes strokes", async () => {
  const page = await classifyPage();
  await draw(page, ring(0.2, 0.33));
  await expect.poll(() => best(page)).toBe("0");
  await expect.poll(() => page.locator(".bars li").count()).toBe(5);
  expect(await page.getAttribute(".seen", "aria-label")).toBe(
    "The picture as the model sees it, 8 by 8 pixels",
  );
  await page.click("#undo");
  await expect.poll(() => page.isHidden(".bars")).toBe(true);
  await draw(page, [
    [0.35, 0.3],
    [0.5, 0.22],
    [0.62, 0.3],
    [0.6, 0.42],
    [0.48, 0.5],
    [0.62, 0.58],
    [0.64, 0.7],
    [0.5, 0.8],
    [0.34, 0.72],
  ]);
  await expect.poll(() => best(page)).toBe("3");
  await expect.poll(() => page.textContent("#announcer")).toMatch(/^Most probably 3, /);
  await page.click("#clear");
  await expect.poll(() => page.isHidden(".bars")).toBe(true);
});

it("can be drawn on with the keyboard", async () => {
  const page = await classifyPage();
  await page.focus("#board");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Space");
  for (let step = 0; step < 8; step++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Space");
  await expect.poll(() => page.locator(".bars li").count()).toBe(5);
  await page.keyboard.press("Control+z");
  await expect.poll(() => page.isHidden(".bars")).toBe(true);
});

it("classifies a dropped image", async () => {
  const page = await classifyPage();
  await page.click("#source-picture");
  const { label, values } = firstExample();
  await page.evaluate(dropImage, { name: `${label}.png`, values });
  await expect.poll(() => best(page)).toBe(label);
  expect(await page.getAttribute(".shot", "aria-label")).toBe(`Your picture: ${label}.png`);
});

/** An image of the bundle with the class predicted by its TF.js artifact. */
function firstExample(): { label: string; values: number[] } {
  const golden = JSON.parse(site.content("bundles/digits/golden.json").toString("utf8"));
  const { labels } = JSON.parse(site.content("bundles/digits/labels.json").toString("utf8"));
  const { image, label } = golden.artifacts.tfjs.cases[0];
  return { label: labels[label], values: [...Buffer.from(image, "base64")] };
}

/** Runs in the page: creates a grey 8 × 8 PNG file and drops it. */
async function dropImage({ name, values }: { name: string; values: number[] }): Promise<void> {
  const pixels = new ImageData(8, 8);
  for (const [index, value] of values.entries()) pixels.data.set([value, value, value, 255], 4 * index);
  const canvas = new OffscreenCanvas(8, 8);
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  const file = new File([await canvas.convertToBlob()], name, { type: "image/png" });
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(file);
  const drop = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
  document.querySelector(".drop")?.dispatchEvent(drop);
}

it("classifies a chosen file, and reports files that are not images", async () => {
  const page = await classifyPage();
  await page.click("#source-picture");
  await page.setInputFiles("#file", {
    name: "notes.txt",
    mimeType: "text/plain",
    buffer: Buffer.from("not an image"),
  });
  await page.waitForSelector("[role=alert]:not([hidden])");
  expect(await page.textContent("[role=alert]:not([hidden])")).toContain(
    "notes.txt could not be read as a picture",
  );
  const icon = readFileSync(path.join(import.meta.dirname, "../../public/icons/icon-192.png"));
  await page.setInputFiles("#file", { name: "icon.png", mimeType: "image/png", buffer: icon });
  await expect.poll(() => page.locator(".bars li").count()).toBe(5);
  expect(await page.isHidden("[role=alert]")).toBe(true);
  const before = await page.locator(".bars .name").allTextContents();
  await page.check(".invert");
  await expect.poll(() => page.locator(".bars .name").allTextContents()).not.toEqual(before);
});

it("classifies the examples of the bundle correctly", async () => {
  const page = await classifyPage();
  const example = page.locator(".example").last();
  const label = (await example.getAttribute("aria-label"))?.replace("Example: ", "");
  await example.press("Enter");
  await expect.poll(() => best(page)).toBe(label);
});

it("uses the camera only on request, and releases it", async () => {
  const page = await classifyPage();
  await page.evaluate(() => {
    const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    const streams: MediaStream[] = [];
    Object.assign(globalThis, { streams });
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      const stream = await getUserMedia(constraints);
      streams.push(stream);
      return stream;
    };
  });
  const live = (): Promise<string[]> =>
    page.evaluate(() =>
      (globalThis as unknown as { streams: MediaStream[] }).streams.flatMap((stream) =>
        stream.getTracks().map((track) => track.readyState),
      ),
    );
  await page.click("#source-camera");
  expect(await live()).toEqual([]);
  await page.click("#camera-start");
  await page.waitForFunction(() => (document.querySelector("video")?.videoWidth ?? 0) > 0);
  expect(await live()).toEqual(["live"]);
  await page.click("#camera-take");
  await expect.poll(() => page.locator(".bars li").count()).toBe(5);
  expect(await live()).toEqual(["ended"]);
  await page.click("#camera-start");
  await page.waitForSelector("video");
  await page.click("#nav-recommend");
  expect(await live()).toEqual(["ended", "ended"]);
});
