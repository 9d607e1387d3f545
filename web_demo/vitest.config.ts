import { defineConfig } from "vitest/config";
import { DEFINE } from "./scripts/engine_files.ts";

export default defineConfig({
  define: DEFINE,
  test: { include: ["tests/unit/**/*.test.ts"], testTimeout: 60_000, maxWorkers: 1 },
});
