import { readFileSync } from "node:fs";
import path from "node:path";
import { defineConfig, type Plugin } from "vite";
import { DEFINE, serveEngineFiles } from "../scripts/engine_files.ts";
import { OUTPUT, withoutThreads } from "../scripts/build_plugins.ts";

const ORT = path.join(import.meta.dirname, "../node_modules/onnxruntime-web/dist");

function ortFiles(): Plugin {
  return {
    name: "hanji-lab-ort",
    generateBundle() {
      for (const name of ["ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.mjs"]) {
        this.emitFile({
          type: "asset",
          fileName: `wasm/ort/${name}`,
          source: readFileSync(path.join(ORT, name)),
        });
      }
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  publicDir: false,
  define: DEFINE,
  plugins: [serveEngineFiles(), ortFiles()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    outDir: "../dist-lab",
    emptyOutDir: true,
    rolldownOptions: OUTPUT,
  },
  worker: { format: "iife", plugins: () => [withoutThreads()], rolldownOptions: OUTPUT },
});
