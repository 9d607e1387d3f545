import type { Backend, EngineName } from "../../hanji/types.ts";
import type { Texts } from "../texts/index.ts";
import type { Listed } from "./list.ts";

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
export function canRun(entry: Listed, key: EngineKey): boolean {
  return entry.formats.includes(FORMAT[ENGINES[key].engine]);
}

/** The engine that a bundle is opened and tested with unless somebody chose another. */
export function defaultEngine(entry: Listed): EngineKey {
  return canRun(entry, "tfjs-wasm") ? "tfjs-wasm" : "litert-wasm";
}

/** The engine chosen in the engine room, if this bundle has what it runs, else the default. */
export function chosenEngine(entry: Listed): EngineKey {
  const chosen = localStorageItem();
  return chosen !== null && chosen in ENGINES && canRun(entry, chosen as EngineKey)
    ? (chosen as EngineKey)
    : defaultEngine(entry);
}

export function rememberEngine(key: EngineKey): void {
  try {
    localStorage.setItem(KEY, key);
  } catch {
    // A browser that keeps nothing still uses the engine until the page is closed.
  }
}

function localStorageItem(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
