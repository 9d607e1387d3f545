/** Loads LiteRT.js's WebAssembly once, without console output and without requesting a GPU. */

import { loadLiteRt } from "@litertjs/core";
import { EngineError, messageOf } from "../errors.ts";

/** Globals that the loading script of LiteRT.js (Emscripten) looks for in the worker's scope. */
interface EmscriptenScope {
  Module?: {
    locateFile: (name: string) => string;
    print: (line: string) => void;
    printErr: (line: string) => void;
  };
}

const MAX_LINES = 20;
const lines: string[] = [];
let loading: Promise<void> | undefined;

/** Loads the files in the folder `wasmPath`; EngineError if they are missing or cannot run here. */
export function loadWasm(wasmPath: string | undefined): Promise<void> {
  loading ??= load(wasmPath).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

/** The latest error line that LiteRT.js printed; clears the recorded lines. */
export function latestError(): string | undefined {
  const found = lines.findLast((line) => /^ERROR/.test(line))?.replace(/^ERROR:\s*(\[[^\]]*\]\s*)?/, "");
  lines.length = 0;
  return found;
}

async function load(wasmPath: string | undefined): Promise<void> {
  if (!wasmPath)
    throw new EngineError("litert: expected wasmPath, the folder of its WebAssembly files, found none");
  const scope = globalThis as EmscriptenScope;
  scope.Module = { locateFile: (name) => wasmPath + name, print: record, printErr: record };
  try {
    await withoutGpu(() => loadLiteRt(wasmPath, { threads: false, jspi: false }));
  } catch (error) {
    const reason = error instanceof Event ? "a file could not be loaded" : messageOf(error);
    const hint = reason.includes("importScripts") ? "; it needs a built page: npm run build" : "";
    throw new EngineError(`litert: its WebAssembly from ${wasmPath} could not be loaded: ${reason}${hint}`);
  }
}

/** Records printed lines; otherwise even INFO lines would be logged as console errors. */
function record(line: string): void {
  lines.push(line);
  if (lines.length > MAX_LINES) lines.shift();
}

/**
 * Runs `action` with `navigator.gpu` hidden: LiteRT.js requests a GPU while loading, which takes time, and
 * logs a warning if there is none. Everything runs on the CPU here.
 */
async function withoutGpu(action: () => Promise<unknown>): Promise<void> {
  const adapter = { limits: {}, features: new Set(), requestDevice: async () => null };
  const shadow = { configurable: true, value: { requestAdapter: async () => adapter } };
  Object.defineProperty(navigator, "gpu", shadow);
  try {
    await action();
  } finally {
    Reflect.deleteProperty(navigator, "gpu"); // uncovers the browser's own property
  }
}
