/** Locations of the engines' WebAssembly files in a build; scripts/engine_files.ts copies them there. */

import type { EngineName } from "./types.ts";

declare const __TFJS_FOLDER__: string;
declare const __LITERT_FOLDER__: string;

/** The URL of the folder with an engine's WebAssembly files, for a page at the root of the build. */
export function wasmFolder(engine: EngineName): string {
  return absolute(engine === "tfjs" ? __TFJS_FOLDER__ : __LITERT_FOLDER__);
}

/** Resolves a URL against the address of the page, or of the worker if there is no page. */
export function absolute(url: string | URL): string {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  return new URL(url, base).href;
}
