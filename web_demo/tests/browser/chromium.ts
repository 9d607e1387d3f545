/** The Chromium that is installed here. */

import { existsSync } from "node:fs";
import { chromium, type Browser, type LaunchOptions } from "playwright-core";

const PLACES = [
  process.env["HANJI_CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** Where it is; an Error that says what to do if it is nowhere. */
export function chromiumPath(): string {
  const found = PLACES.find((place) => place && existsSync(place));
  if (found) return found;
  throw new Error(
    "Chromium was not found; install it (apt-get install chromium), or set HANJI_CHROMIUM to its path",
  );
}

/** A new browser; root may only start one without its sandbox. */
export function launch(options: LaunchOptions = {}): Promise<Browser> {
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({
    executablePath: chromiumPath(),
    ...options,
    args: [...args, ...(options.args ?? [])],
  });
}
