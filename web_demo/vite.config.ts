import path from "node:path";
import { defineConfig } from "vite";
import { DEFINE, serveEngineFiles } from "./scripts/engine_files.ts";
import { serviceWorker } from "./scripts/service_worker_plugin.ts";
import { licences, OUTPUT, withoutThreads } from "./scripts/build_plugins.ts";

const HERE = import.meta.dirname;

export default defineConfig({
  base: "./", // the build can be served from any directory
  appType: "mpa", // missing files are 404, not index.html
  define: DEFINE,
  plugins: [serveEngineFiles(), licences(HERE), serviceWorker(path.join(HERE, "src/service_worker.ts"))],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: OUTPUT,
  },
  // LiteRT.js calls importScripts, which is only available in classic workers.
  worker: { format: "iife", plugins: () => [withoutThreads()], rolldownOptions: OUTPUT },
  server: { fs: { allow: [path.join(HERE, "..")] } },
});
