/** Bundles for tests in Node: a `fetch` that reads from a folder and can modify files. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { OpenOptions } from "../../src/hanji/types.ts";
import { bundleFolder, hasBundle, type BundleName } from "../bundles.ts";

export const URL_OF_BUNDLE = "https://bundle.test/it/";

const require = createRequire(import.meta.url);
const WASM = path.join(path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm")), path.sep);

export type Changes = Record<string, (content: Buffer) => Buffer | Response | null>;

/**
 * Serves the files of `folder` under URL_OF_BUNDLE. A change maps the content of a file to other content, or
 * to null to remove it.
 */
export function folderFetch(folder: string, changes: Changes = {}, requested: string[] = []): typeof fetch {
  return async (input) => {
    const name = String(input).slice(URL_OF_BUNDLE.length);
    requested.push(String(input));
    const file = path.join(folder, name);
    const content = existsSync(file) ? readFileSync(file) : null;
    const change = changes[name];
    const changed = change && content ? change(content) : content;
    if (changed instanceof Response) return changed;
    return changed ? new Response(new Uint8Array(changed)) : new Response("not found", { status: 404 });
  };
}

/** Options for opening a bundle of tests/bundles.ts in Node. */
export function optionsFor(name: BundleName, changes: Changes = {}, requested: string[] = []): OpenOptions {
  return { fetch: folderFetch(bundleFolder(name), changes, requested), wasmPath: WASM };
}

/** An edited manifest with a matching checksum. */
export function withManifest(name: BundleName, edit: (manifest: Json) => void): Changes {
  const manifest = JSON.parse(readFileSync(path.join(bundleFolder(name), "manifest.json"), "utf8")) as Json;
  edit(manifest);
  return withManifestText(JSON.stringify(manifest));
}

export function withManifestText(text: string): Changes {
  const digest = createHash("sha256").update(text).digest("hex");
  return {
    "manifest.json": () => Buffer.from(text),
    "manifest.sha256": () => Buffer.from(`${digest}  manifest.json\n`),
  };
}

/** JSON that tests edit freely, hence `any`. */
export type Json = any;

/** The error that a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  const found: unknown = await promise.then(
    () => new Error("nothing was thrown"),
    (error: unknown) => error,
  );
  return found instanceof Error ? found : new Error(`expected an Error, thrown: ${String(found)}`);
}

export { bundleFolder, hasBundle };

/** An edited JSON file with a matching manifest and checksum. */
export function withJson(name: BundleName, file: string, edit: (value: Json) => void): Changes {
  const value = JSON.parse(readFileSync(path.join(bundleFolder(name), file), "utf8")) as Json;
  edit(value);
  const content = Buffer.from(JSON.stringify(value));
  const manifest = withManifest(name, ({ files }) => {
    const entry = files.find((each: Json) => each.path === file);
    entry.bytes = content.length;
    entry.sha256 = createHash("sha256").update(content).digest("hex");
  });
  return { ...manifest, [file]: () => content };
}

/** Gives a classifier's manifest an `output`; `source` is that of its probabilities. */
export function withOutput(manifest: Json, output: Json, source: string): void {
  Object.assign(manifest, { schema_version: 2, output, probabilities: { source, temperature: 1 } });
  for (const { parity } of manifest.artifacts) {
    if (parity.checked) Object.assign(parity, { agreement: 1, minimum_agreement: 0.95 });
  }
}
