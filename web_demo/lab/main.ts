/**
 * The loader on an empty page, for tests/browser/engines.test.ts and benchmarks/web_speed.py, which use the
 * global `lab`. Not part of the build of the demo.
 */

import * as client from "../src/hanji/client.ts";
import * as loader from "../src/hanji/index.ts";
import { OrtRecommender } from "./ort_client.ts";
import { interleaved } from "./interleaved.ts";

export const lab = { ...client, loader, OrtRecommender, interleaved };

Object.assign(globalThis, { lab });
