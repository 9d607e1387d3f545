/** Loads LiteRT.js's WebAssembly once, with nothing on the console and no GPU asked for. */

import { loadLiteRt } from "@litertjs/core";
import { EngineError, messageOf } from "../errors.ts";

/** What LiteRT.js's own loading script, and Emscripten in it, look for in the worker's global scope. */
interface EmscriptenScope {
  Module?: {
    locateFile: (name: string) => string;
    print: (line: string) => void;
    printErr: (line: string) => void;
  };
}

const KEPT_LINES = 20;
const lines: string[] = [];
let loading: Promise<void> | undefined;

/** Ready when this resolves; EngineError if the files are not at `wasmPath` (a folder) or cannot run here. */
export function loadWasm(wasmPath: string | undefined): Promise<void> {
  loading ??= load(wasmPath).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

/** The latest line in which LiteRT.js said what went wrong; asked for once. */
export function latestComplaint(): string | undefined {
  const found = lines.findLast((line) => /^ERROR/.test(line))?.replace(/^ERROR:\s*(\[[^\]]*\]\s*)?/, "");
  lines.length = 0;
  return found;
}

async function load(wasmPath: string | undefined): Promise<void> {
  if (!wasmPath)
    throw new EngineError("litert: expected wasmPath, the folder of its WebAssembly files, found none");
  const scope = globalThis as EmscriptenScope;
  scope.Module = { locateFile: (name) => wasmPath + name, print: keep, printErr: keep };
  try {
    await withoutGpu(() => loadLiteRt(wasmPath, { threads: false, jspi: false }));
  } catch (error) {
    const reason = error instanceof Event ? "a file could not be loaded" : messageOf(error);
    const advice = reason.includes("importScripts") ? "; it needs a built page: npm run build" : "";
    throw new EngineError(`litert: its WebAssembly from ${wasmPath} could not be loaded: ${reason}${advice}`);
  }
}

/** INFO lines come here, too, one by one, and would otherwise be errors on the console. */
function keep(line: string): void {
  lines.push(line);
  if (lines.length > KEPT_LINES) lines.shift();
}

/**
 * Runs `action` while no GPU can be seen: LiteRT.js asks for one as it loads, which takes time, and warns on
 * the console where there is none. Everything runs on the CPU here.
 */
async function withoutGpu(action: () => Promise<unknown>): Promise<void> {
  const adapter = { limits: {}, features: new Set(), requestDevice: async () => null };
  const shadow = { configurable: true, value: { requestAdapter: async () => adapter } };
  Object.defineProperty(navigator, "gpu", shadow);
  try {
    await action();
  } finally {
    Reflect.deleteProperty(navigator, "gpu"); // the browser's own comes to light again
  }
}
