import { kind } from "../engines/litert.ts";
import { serve, type Scope } from "./serve.ts";

// A dedicated worker's scope, for which the DOM's types have no name
serve(globalThis as unknown as Scope, kind);
