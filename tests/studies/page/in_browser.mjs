// What a browser makes of study.html: node in_browser.mjs CHROMIUM WEB_DEMO PAGE…
// Prints a JSON list of what is wrong; Playwright and axe are those of web_demo.
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
const wrong = [];
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

/** Opens a page with its policy in force, and listens for what it forbids and asks for. */
async function opened(path, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("console", (message) => wrong.push(`${path}: console: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`${path}: ${error}`));
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) wrong.push(`${path}: asks for ${request.url()}`);
  });
  await page.goto(pathToFileURL(path).href);
  return page;
}

const expect = (right, what) => right || wrong.push(what);
const openAll = (page) =>
  page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));

/** Names of a chart that lie over each other as the fonts of this machine draw them. */
function namesThatMeet() {
  const found = [];
  for (const chart of document.querySelectorAll("svg.chart")) {
    if (getComputedStyle(chart).display === "none") continue;
    const boxes = [...chart.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
    boxes.forEach(([a, one], index) => {
      for (const [b, other] of boxes.slice(index + 1)) {
        const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        if (wide > 1 && high > 0.35 * Math.min(one.height, other.height)) found.push(`${a} and ${b}`);
      }
    });
  }
  return found;
}

async function looksRight(path, look) {
  const { name, ...options } = look;
  const page = await opened(path, options);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(beyond <= 0, `${path}: ${name}: wider than the window by ${beyond}`);
  for (const pair of await page.evaluate(namesThatMeet)) wrong.push(`${path}: ${name}: ${pair} overlap`);
  await page.context().close();
  if (path !== pages[0] && name !== "light") return; // axe takes its time
  const trusting = await opened(path, { ...options, bypassCSP: true }); // axe is a script of its own
  await openAll(trusting);
  for (const finding of await findings(trusting, { runOnly: RULES })) wrong.push(`${path}: ${name}: ${finding}`);
  await trusting.context().close();
}

const order = (page) =>
  page.$$eval("table.sortable >> nth=0 >> tbody tr", (rows) => rows.map((row) => row.cells[0].textContent));

async function sorts(path) {
  const page = await opened(path, LOOKS[0]);
  const before = await order(page);
  const head = page.locator("table.sortable").first().locator("th", { hasText: "TFLite bytes" });
  await head.getByRole("button").click();
  expect((await head.getAttribute("aria-sort")) === "ascending", "a click sorts");
  const sizes = await page.$$eval("table.sortable >> nth=0 >> tbody tr", (rows) =>
    rows.map((row) => row.cells[4]?.dataset.value));
  const known = sizes.filter((size) => size !== undefined).map(Number);
  expect(known.every((size, index) => index === 0 || known[index - 1] <= size), `sizes are sorted: ${known}`);
  expect(sizes.at(-1) === undefined, "what was not measured comes last");
  expect((await page.textContent("#told")).includes("ascending"), "the sorting is told");
  await page.keyboard.press("Enter");
  expect((await head.getAttribute("aria-sort")) === "descending", "a key turns the order");
  expect((await page.$$eval("table.sortable >> nth=0 >> tbody tr", (rows) => rows.at(-1).className)) === "failed",
    "failed rows come last, whatever the direction");
  await page.keyboard.press("Space");
  expect((await head.getAttribute("aria-sort")) === null, "a third time ends it");
  expect((await order(page)).join() === before.join(), "the order of the study is back");
  await page.context().close();
}

async function opensWhatIsLinked(path) {
  for (const javaScriptEnabled of [true, false]) {
    const page = await opened(path, { ...LOOKS[0], javaScriptEnabled });
    await page.locator("table.sortable a[href='#recipe-3']").first().click();
    await page.waitForTimeout(100);
    const seen = await page.locator("#recipe-3").isVisible();
    expect(seen, `a link opens its recipe (script: ${javaScriptEnabled})`);
    await page.context().close();
  }
}

/** Without the script, for then the style alone has to open what is closed. */
async function prints(path) {
  const page = await opened(path, { ...LOOKS[1], javaScriptEnabled: false });
  await page.emulateMedia({ media: "print" });
  const seen = await page.locator("#recipe-2 pre").isVisible();
  expect(seen, "details are printed");
  const paper = await page.locator("html").evaluate((html) => getComputedStyle(html).backgroundColor);
  expect(paper === "rgb(255, 255, 255)", `printed on white, not ${paper}`);
  await page.context().close();
}

for (const path of pages) for (const look of LOOKS) await looksRight(path, look);
await sorts(pages[0]);
await opensWhatIsLinked(pages[0]);
await prints(pages[0]);
await browser.close();
console.log(JSON.stringify(wrong));
