/**
 * The loader on a bare page, for tests/browser/engines.test.ts and benchmarks/web_speed.py: what they ask for
 * in the browser is in `lab`. It is no part of the demo's build.
 */

import * as client from "../src/hanji/client.ts";
import * as loader from "../src/hanji/index.ts";
import { OrtRecommender } from "./ort_client.ts";
import { interleaved } from "./interleaved.ts";

export const lab = { ...client, loader, OrtRecommender, interleaved };

Object.assign(globalThis, { lab });
