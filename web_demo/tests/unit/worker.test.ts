/**
 * A page and its worker in one thread: messages are passed through structured cloning.
 */

import { describe, expect, it } from "vitest";
import { Connection, type WorkerLike } from "../../src/hanji/connection.ts";
import { kind } from "../../src/hanji/engines/tfjs_wasm.ts";
import { EngineError, HanjiError, UnknownIdError } from "../../src/hanji/errors.ts";
import { Items } from "../../src/hanji/ids.ts";
import { errorOf as revived, failureOf, type Reply, type Request } from "../../src/hanji/protocol.ts";
import { serve, type Scope } from "../../src/hanji/workers/serve.ts";
import { errorOf, hasBundle, optionsFor, URL_OF_BUNDLE } from "./files.ts";

/** Runs the worker side in this thread; like a worker, it uses the global `fetch`. */
function connected(): { connection: Connection; worker: WorkerLike } {
  const scope: Scope = {
    onmessage: null,
    postMessage: (reply: Reply) => later(() => worker.onmessage?.(event(reply))),
  };
  const worker: WorkerLike = {
    onmessage: null,
    onerror: null,
    terminate: () => (scope.onmessage = null),
    postMessage(request: Request) {
      const copy = structuredClone(request);
      later(() => scope.onmessage?.(event(copy)));
    },
  };
  serve(scope, kind);
  return { connection: new Connection(worker), worker };
}

function event<T>(data: T): MessageEvent<T> {
  return { data: structuredClone(data) } as MessageEvent<T>;
}

function later(action: () => void): void {
  setTimeout(action, 0);
}

describe("errors", () => {
  it("keep their class and message when sent from a worker", () => {
    for (const error of [
      new UnknownIdError("who"),
      new EngineError("what"),
      new TypeError("which"),
      new HanjiError("why"),
    ]) {
      const found = revived(structuredClone(failureOf(error)));
      expect(found.constructor).toBe(error.constructor);
      expect(found.message).toBe(error.message);
    }
    expect(revived(failureOf(new DOMException("gone", "AbortError"))).message).toBe("AbortError: gone");
    expect(revived(failureOf({ message: "a plain object" })).message).toBe("Error: a plain object");
    expect(revived({ name: "constructor", message: "m" })).toBeInstanceOf(Error);
  });
});

describe.skipIf(!hasBundle("history"))("a worker", () => {
  it("opens a bundle, returns results, and reports progress and errors", async () => {
    const { fetch, wasmPath = "" } = optionsFor("history");
    const { fetch: original } = globalThis;
    globalThis.fetch = fetch ?? original;
    try {
      const { connection } = connected();
      const progress: number[] = [];
      const options = { engine: "tfjs", backend: "wasm", wasmPath } as const;
      const params = { url: URL_OF_BUNDLE, options };
      const opened = await connection.call("openRecommender", params, (loaded, total) =>
        progress.push(loaded / total),
      );
      expect(progress.at(-1)).toBe(1);
      const { ids } = Items.from(opened.items, opened.manifest.ids.items.count);
      const history = ids.values.slice(0, 4);
      const [found, scores, reasons] = await Promise.all([
        connection.call("recommend", { query: { history }, k: 3, options: {} }),
        connection.call("scores", { query: { history } }),
        connection.call("why", { history, item: history[0] ?? 0, k: 1 }),
      ]);
      expect(found.items.length).toBe(3);
      expect(scores.length).toBe(ids.length);
      expect(reasons.length).toBe(1);
      const unknown = connection.call("why", { history, item: "who", k: 1 });
      expect(await errorOf(unknown)).toBeInstanceOf(UnknownIdError);
      expect((await connection.call("selfTest", {})).passed).toBe(true);
      const wrong = connection.call("probabilities", {
        pixels: { data: new Uint8Array(1), width: 1, height: 1, channels: 1 },
      });
      expect((await errorOf(wrong)).message).toContain("no open bundle for that task");
    } finally {
      globalThis.fetch = original;
    }
  });
});

describe("a connection", () => {
  it("rejects pending and later calls when it is closed", async () => {
    const { connection } = connected();
    const pending = errorOf(connection.call("selfTest", {}));
    connection.close("Recommender");
    expect((await pending).message).toBe("this Recommender is closed; open the bundle again");
    expect((await errorOf(connection.call("selfTest", {}))).message).toContain("is closed");
  });
  it("rejects pending calls when the worker stops", async () => {
    const { connection, worker } = connected();
    const pending = errorOf(connection.call("selfTest", {}));
    worker.onerror?.({ message: "out of memory" } as ErrorEvent);
    const error = await pending;
    expect(error).toBeInstanceOf(EngineError);
    expect(error.message).toBe("the worker stopped: out of memory; open the bundle again");
  });
  it("rejects parameters that cannot be cloned", async () => {
    const { connection } = connected();
    const options = { filter: () => true } as object;
    const calling = connection.call("recommend", { query: { user: 1 }, k: 1, options });
    expect((await errorOf(calling)).name).toBe("DataCloneError");
  });
});
