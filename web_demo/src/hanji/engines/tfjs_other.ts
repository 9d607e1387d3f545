/** TF.js on the GPU (webgl) or in plain JavaScript (cpu); loaded only when one of them is selected. */

import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgl";
import { EngineError } from "../errors.ts";
import type { Backend } from "../types.ts";
import { tfjsKind } from "./tfjs.ts";

async function setUp(backend: Backend): Promise<void> {
  if (backend === "wasm") throw new EngineError("backend: expected webgl or cpu here, found wasm");
}

export const kind = tfjsKind(setUp);
