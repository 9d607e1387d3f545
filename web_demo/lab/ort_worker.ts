import { serve, type Scope } from "../src/hanji/workers/serve.ts";
import { kind } from "./ort_kind.ts";

// A dedicated worker's scope, for which the DOM's types have no name
serve(globalThis as unknown as Scope, kind);
