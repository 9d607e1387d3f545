/** TF.js on single-threaded WebAssembly: the default engine. */

import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { env } from "@tensorflow/tfjs-core";
import { EngineError } from "../errors.ts";
import type { Backend } from "../types.ts";
import { tfjsKind } from "./tfjs.ts";

/** TF.js rejects a new path once its WebAssembly has been loaded. */
let isPathSet = false;

async function setUp(backend: Backend, wasmPath: string | undefined): Promise<void> {
  if (backend !== "wasm") throw new EngineError(`backend: expected wasm here, found ${backend}`);
  // Threads slow small models down, and need headers (COOP, COEP) that static hosts do not send.
  env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  setThreadsCount(1);
  if (wasmPath && !isPathSet) setWasmPaths(wasmPath);
  isPathSet = true;
}

export const kind = tfjsKind(setUp);
