import type { Backend, EngineName } from "../../hanji/types.ts";
import type { Texts } from "../texts/index.ts";
import type { BundleEntry } from "./list.ts";

export type EngineKey = keyof Texts["engine"]["engines"];

export interface EngineChoice {
  engine: EngineName;
  backend: Backend;
}

export const ENGINES: Readonly<Record<EngineKey, EngineChoice>> = {
  "tfjs-wasm": { engine: "tfjs", backend: "wasm" },
  "tfjs-webgl": { engine: "tfjs", backend: "webgl" },
  "tfjs-cpu": { engine: "tfjs", backend: "cpu" },
  "litert-wasm": { engine: "litert", backend: "wasm" },
};

const KEY = "hanji.engine";
const FORMAT: Readonly<Record<EngineName, string>> = { tfjs: "tfjs", litert: "tflite" };

/** Whether a bundle has the artifact that this engine runs. */
export function canRun(entry: BundleEntry, key: EngineKey): boolean {
  return entry.formats.includes(FORMAT[ENGINES[key].engine]);
}

/** The default engine for opening and testing a bundle. */
export function defaultEngine(entry: BundleEntry): EngineKey {
  return canRun(entry, "tfjs-wasm") ? "tfjs-wasm" : "litert-wasm";
}

/** The engine selected by the user if the bundle has an artifact for it, otherwise the default. */
export function chosenEngine(entry: BundleEntry): EngineKey {
  const chosen = storedEngine();
  return chosen !== null && chosen in ENGINES && canRun(entry, chosen as EngineKey)
    ? (chosen as EngineKey)
    : defaultEngine(entry);
}

export function rememberEngine(key: EngineKey): void {
  try {
    localStorage.setItem(KEY, key);
  } catch {
    // Without storage, the selection lasts until the page is closed.
  }
}

function storedEngine(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
