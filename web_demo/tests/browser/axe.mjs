// Runs axe-core in a page. Its package for Playwright collects so much data per node that it is six times
// slower. Plain JavaScript, because the tests of the study page use it without a bundler.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * The violations found by axe: the rule and the start of the HTML, one per node. Transitions are finished
 * first: the colors of a button that is fading to its final ones are those of no state of the page.
 */
export async function findings(page, options = {}) {
  await page.evaluate(AXE);
  await page.evaluate(() => {
    for (const transition of document.getAnimations()) transition.finish();
  });
  const run = (given) => globalThis.axe.run({ ...given, resultTypes: ["violations"] });
  const { violations } = await page.evaluate(run, options);
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)}`));
}
