/**
 * Builds the page and the lab, serves both, and provides their URLs to the tests: `inject("pageUrl")`,
 * `inject("labUrl")`.
 *
 * The server of the page sends the strict policy with every response, so that it also applies to workers.
 * Bundles are served from the folder `inject("bundles")`, which tests may copy but not change.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "vite";
import type { TestProject } from "vitest/node";
import { placeBundles } from "../../scripts/bundles.mjs";
import { ISOLATED, POLICY, serveFolders } from "../../scripts/static_server.mjs";
import { bundleFolder, hasBundle } from "../bundles.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** URL of the built page, with a trailing slash. */
    pageUrl: string;
    /** URL of the loader on an empty page, with a trailing slash. */
    labUrl: string;
    /** Folder that is served as bundles/. */
    bundles: string;
    /** Folder of the built page, without bundles. */
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
  await buildInto(path.join(ROOT, "vite.config.ts"), ROOT, page);
  await buildInto(path.join(ROOT, "lab/vite.config.ts"), path.join(ROOT, "lab"), lab);
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

/** Sets NODE_ENV, which is "test" here, so that the build is the same as in production. */
async function buildInto(configFile: string, root: string, outDir: string): Promise<void> {
  process.env["NODE_ENV"] = "production";
  await build({
    configFile,
    root,
    mode: "production",
    logLevel: "error",
    // The page needs its icons and web manifest, which the service worker caches.
    publicDir: root === ROOT ? path.join(ROOT, "public") : false,
    build: { outDir, emptyOutDir: true },
  });
}
