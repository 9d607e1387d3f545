/** Where a build puts the engines' WebAssembly files; scripts/engine_files.ts puts them there. */

import type { EngineName } from "./types.ts";

declare const __TFJS_FOLDER__: string;
declare const __LITERT_FOLDER__: string;

/** URL of the folder with an engine's WebAssembly files, for a page at the root of the build. */
export function wasmFolder(engine: EngineName): string {
  return absolute(engine === "tfjs" ? __TFJS_FOLDER__ : __LITERT_FOLDER__);
}

/** A URL against the page's own address, or the worker's where there is no page. */
export function absolute(url: string | URL): string {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  return new URL(url, base).href;
}
