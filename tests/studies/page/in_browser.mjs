// Checks study.html in a browser: node in_browser.mjs CHROMIUM WEB_DEMO PAGE…
// Prints a JSON list of errors; Playwright and axe are those of web_demo.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [executablePath, webDemo, ...pages] = process.argv.slice(2);
const require = createRequire(`${webDemo}/package.json`);
const { chromium } = require("playwright-core");
const { findings } = await import(pathToFileURL(`${webDemo}/tests/browser/axe.mjs`));

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const LOOKS = [
  { name: "light", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { name: "dark", viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  { name: "phone", viewport: { width: 360, height: 740 }, colorScheme: "light" },
];
const errors = [];
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

/** Opens a page with its Content-Security-Policy, and records violations and requests. */
async function open(path, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("console", (message) => errors.push(`${path}: console: ${message.text()}`));
  page.on("pageerror", (error) => errors.push(`${path}: ${error}`));
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) errors.push(`${path}: requests ${request.url()}`);
  });
  await page.goto(pathToFileURL(path).href);
  return page;
}

const expect = (condition, message) => condition || errors.push(message);
const openAll = (page) =>
  page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));

/** Labels of a chart that overlap with the fonts of this machine. */
function overlappingLabels() {
  const overlaps = [];
  for (const chart of document.querySelectorAll("svg.chart")) {
    if (getComputedStyle(chart).display === "none") continue;
    const boxes = [...chart.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
    boxes.forEach(([a, one], index) => {
      for (const [b, other] of boxes.slice(index + 1)) {
        const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        if (wide > 1 && high > 0.35 * Math.min(one.height, other.height)) overlaps.push(`${a} and ${b}`);
      }
    });
  }
  return overlaps;
}

async function checkLayout(path, look) {
  const { name, ...options } = look;
  const page = await open(path, options);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow <= 0, `${path}: ${name}: wider than the window by ${overflow}`);
  for (const pair of await page.evaluate(overlappingLabels)) errors.push(`${path}: ${name}: ${pair} overlap`);
  await page.context().close();
  if (path !== pages[0] && name !== "light") return; // axe is slow
  const withoutPolicy = await open(path, { ...options, bypassCSP: true }); // axe is an injected script
  await openAll(withoutPolicy);
  for (const finding of await findings(withoutPolicy, { runOnly: RULES })) errors.push(`${path}: ${name}: ${finding}`);
  await withoutPolicy.context().close();
}

const order = (page) =>
  page.$$eval("table.sortable >> nth=0 >> tbody tr", (rows) => rows.map((row) => row.cells[0].textContent));

async function checkSorting(path) {
  const page = await open(path, LOOKS[0]);
  const before = await order(page);
  const head = page.locator("table.sortable").first().locator("th", { hasText: "TFLite bytes" });
  await head.getByRole("button").click();
  expect((await head.getAttribute("aria-sort")) === "ascending", "a click sorts");
  const sizes = await page.$$eval("table.sortable >> nth=0 >> tbody tr", (rows) =>
    rows.map((row) => row.cells[4]?.dataset.value));
  const known = sizes.filter((size) => size !== undefined).map(Number);
  expect(known.every((size, index) => index === 0 || known[index - 1] <= size), `sizes are sorted: ${known}`);
  expect(sizes.at(-1) === undefined, "missing values come last");
  expect((await page.textContent("#told")).includes("ascending"), "the sort order is announced");
  await page.keyboard.press("Enter");
  expect((await head.getAttribute("aria-sort")) === "descending", "a key press reverses the order");
  expect((await page.$$eval("table.sortable >> nth=0 >> tbody tr", (rows) => rows.at(-1).className)) === "failed",
    "failed rows come last in both directions");
  await page.keyboard.press("Space");
  expect((await head.getAttribute("aria-sort")) === null, "a third activation removes the sorting");
  expect((await order(page)).join() === before.join(), "the order of the study is restored");
  await page.context().close();
}

async function checkLinks(path) {
  for (const javaScriptEnabled of [true, false]) {
    const page = await open(path, { ...LOOKS[0], javaScriptEnabled });
    await page.locator("table.sortable a[href='#recipe-3']").first().click();
    await page.waitForTimeout(100);
    const visible = await page.locator("#recipe-3").isVisible();
    expect(visible, `a link opens its recipe (script: ${javaScriptEnabled})`);
    await page.context().close();
  }
}

/** Without JavaScript, so that the style sheet alone has to open closed details. */
async function checkPrinting(path) {
  const page = await open(path, { ...LOOKS[1], javaScriptEnabled: false });
  await page.emulateMedia({ media: "print" });
  const visible = await page.locator("#recipe-2 pre").isVisible();
  expect(visible, "details are printed");
  const background = await page.locator("html").evaluate((html) => getComputedStyle(html).backgroundColor);
  expect(background === "rgb(255, 255, 255)", `printed on white, not ${background}`);
  await page.context().close();
}

for (const path of pages) for (const look of LOOKS) await checkLayout(path, look);
await checkSorting(pages[0]);
await checkLinks(pages[0]);
await checkPrinting(pages[0]);
await browser.close();
console.log(JSON.stringify(errors));
