/** TF.js on WebAssembly, one thread: the default engine. */

import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { env } from "@tensorflow/tfjs-core";
import { EngineError } from "../errors.ts";
import type { Backend } from "../types.ts";
import { tfjsKind } from "./tfjs.ts";

/** TF.js refuses to be told again once it has loaded its WebAssembly. */
let isTold = false;

async function setUp(backend: Backend, wasmPath: string | undefined): Promise<void> {
  if (backend !== "wasm") throw new EngineError(`backend: expected wasm here, found ${backend}`);
  // More threads make small models slower, and need headers (COOP, COEP) that static hosts do not send.
  env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  setThreadsCount(1);
  if (wasmPath && !isTold) setWasmPaths(wasmPath);
  isTold = true;
}

export const kind = tfjsKind(setUp);
