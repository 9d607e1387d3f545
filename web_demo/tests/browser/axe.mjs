// axe-core in a page. Its own package for Playwright gathers so much of every node that it takes six times as
// long. Plain JavaScript, for the study page's tests use it without a bundler.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds amiss: the rule and the beginning of the element, one a node. */
export async function findings(page, options = {}) {
  await page.evaluate(AXE);
  const run = (given) => globalThis.axe.run({ ...given, resultTypes: ["violations"] });
  const { violations } = await page.evaluate(run, options);
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)}`));
}
