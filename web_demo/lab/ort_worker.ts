import { serve, type Scope } from "../src/hanji/workers/serve.ts";
import { kind } from "./ort_kind.ts";

// The DOM library has no type for the global scope of a dedicated worker
serve(globalThis as unknown as Scope, kind);
