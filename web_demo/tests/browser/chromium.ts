/** Locates and launches the installed Chromium. */

import { existsSync } from "node:fs";
import { chromium, type Browser, type LaunchOptions } from "playwright-core";

const CANDIDATES = [
  process.env["HANJI_CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** The path of Chromium; an Error with instructions if it is not installed. */
export function chromiumPath(): string {
  const found = CANDIDATES.find((candidate) => candidate && existsSync(candidate));
  if (found) return found;
  throw new Error(
    "Chromium was not found; install it (apt-get install chromium), or set HANJI_CHROMIUM to its path",
  );
}

/** Launches a browser; root can only run it without the sandbox. */
export function launch(options: LaunchOptions = {}): Promise<Browser> {
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({
    executablePath: chromiumPath(),
    ...options,
    args: [...args, ...(options.args ?? [])],
  });
}
