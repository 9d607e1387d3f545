/**
 * Builds the page and the lab, serves both, and tells the tests where: `inject("pageUrl")`,
 * `inject("labUrl")`.
 *
 * The page's server sends the strict policy with every answer, so that workers have it, too. Bundles are
 * served from `inject("bundles")`, a folder that a test may copy but not change.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "vite";
import type { TestProject } from "vitest/node";
import { placeBundles } from "../../scripts/bundles.mjs";
import { ISOLATED, POLICY, serveFolders } from "../../scripts/static_server.mjs";
import { bundleFolder, hasBundle } from "../places.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The built page, with a slash at its end. */
    pageUrl: string;
    /** The loader on a bare page, with a slash at its end. */
    labUrl: string;
    /** The folder that is served as bundles/. */
    bundles: string;
    /** The folder of the built page, without bundles. */
    pageFolder: string;
  }
}

const ROOT = path.join(import.meta.dirname, "../..");

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(path.join(tmpdir(), "hanji-web-"));
  const [page, lab, bundles] = ["page", "lab", "bundles"].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  const names = (["history", "users", "digits"] as const).filter(hasBundle);
  placeBundles(
    bundles,
    names.map((name) => [name === "history" ? "films" : name, bundleFolder(name)] as const),
  );
  await built(path.join(ROOT, "vite.config.ts"), ROOT, page);
  await built(path.join(ROOT, "lab/vite.config.ts"), path.join(ROOT, "lab"), lab);
  const headers = { "Content-Security-Policy": POLICY };
  const served = [
    await serveFolders({ "": page, "bundles/": bundles }, { headers }),
    await serveFolders({ "": lab, "bundles/": bundles }, { headers: { ...headers, ...ISOLATED } }),
  ] as const;
  project.provide("pageUrl", served[0].url);
  project.provide("labUrl", served[1].url);
  project.provide("bundles", bundles);
  project.provide("pageFolder", page);
  return async () => {
    await Promise.all(served.map(({ close }) => close()));
    rmSync(folder, { recursive: true, force: true });
  };
}

/** NODE_ENV is "test" here, under which a build would not be the one that ships. */
async function built(configFile: string, root: string, outDir: string): Promise<void> {
  process.env["NODE_ENV"] = "production";
  await build({
    configFile,
    root,
    mode: "production",
    logLevel: "error",
    // The page's icons and web manifest are part of it: its service worker keeps them, and tests want them.
    publicDir: root === ROOT ? path.join(ROOT, "public") : false,
    build: { outDir, emptyOutDir: true },
  });
}
