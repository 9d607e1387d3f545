/**
 * The engine that the options ask for, imported when it is asked for. Workers have one each and do not come
 * here.
 */

import { EngineError } from "../errors.ts";
import { shown } from "../text.ts";
import { absolute, wasmFolder } from "../places.ts";
import type { OpenOptions } from "../types.ts";
import type { EngineKind } from "./base.ts";

export async function kindFor({ engine = "tfjs", backend = "wasm" }: OpenOptions): Promise<EngineKind> {
  if (engine === "tfjs") {
    return (await (backend === "wasm" ? import("./tfjs_wasm.ts") : import("./tfjs_other.ts"))).kind;
  }
  if (engine === "litert") return (await import("./litert.ts")).kind;
  throw new EngineError(`engine: expected tfjs or litert, found ${shown(engine)}`);
}

/** The options with the folder of the engine's files, as a page has it; Node finds TF.js's own by itself. */
export function withFolder(options: OpenOptions): OpenOptions {
  if (options.wasmPath !== undefined || !("location" in globalThis)) return options;
  return { ...options, wasmPath: absolute(wasmFolder(options.engine ?? "tfjs")) };
}
