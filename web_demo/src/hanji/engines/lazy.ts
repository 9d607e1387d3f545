/** Imports engines on demand. Workers do not use this module: each imports a single engine. */

import { EngineError } from "../errors.ts";
import { shown } from "../text.ts";
import type { OpenOptions } from "../types.ts";
import { absolute, wasmFolder } from "../urls.ts";
import type { EngineKind } from "./base.ts";

export async function kindFor({ engine = "tfjs", backend = "wasm" }: OpenOptions): Promise<EngineKind> {
  if (engine === "tfjs") {
    return (await (backend === "wasm" ? import("./tfjs_wasm.ts") : import("./tfjs_other.ts"))).kind;
  }
  if (engine === "litert") return (await import("./litert.ts")).kind;
  throw new EngineError(`engine: expected tfjs or litert, found ${shown(engine)}`);
}

/** Adds the default `wasmPath` of a page to the options; in Node, TF.js locates its own files. */
export function withFolder(options: OpenOptions): OpenOptions {
  if (options.wasmPath !== undefined || !("location" in globalThis)) return options;
  return { ...options, wasmPath: absolute(wasmFolder(options.engine ?? "tfjs")) };
}
