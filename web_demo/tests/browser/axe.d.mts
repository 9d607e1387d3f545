import type { RunOptions } from "axe-core";
import type { Page } from "playwright-core";

export function findings(page: Page, options?: RunOptions): Promise<string[]>;
