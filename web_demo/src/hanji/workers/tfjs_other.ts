import { kind } from "../engines/tfjs_other.ts";
import { serve, type Scope } from "./serve.ts";

// The DOM library has no type for the global scope of a dedicated worker
serve(globalThis as unknown as Scope, kind);
