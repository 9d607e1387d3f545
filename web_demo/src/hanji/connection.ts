/** A worker that is asked and answers; one question may be asked before another is answered. */

import { EngineError, HanjiError } from "./errors.ts";
import { errorOf, type Calls, type Method, type Reply, type Request } from "./protocol.ts";

/** Of `Worker`, what is needed: tests have none. */
export interface WorkerLike {
  postMessage(message: Request): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<Reply>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

interface Waiting {
  resolve: (answer: never) => void;
  reject: (error: Error) => void;
  onProgress: ((loadedBytes: number, allBytes: number) => void) | undefined;
}

export class Connection {
  readonly #worker: WorkerLike;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #ended: Error | undefined;

  constructor(worker: WorkerLike) {
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = (event) => {
      const reason = event.message || "it could not be loaded";
      this.#end(new EngineError(`the worker stopped: ${reason}; open the bundle again`));
    };
  }

  /** The answer to `method`; rejects with the very error that the worker met. */
  ask<M extends Method>(
    method: M,
    ask: Calls[M]["ask"],
    onProgress?: (loadedBytes: number, allBytes: number) => void,
  ): Promise<Calls[M]["answer"]> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onProgress });
      try {
        // One of its members, as the types of `ask` say
        this.#worker.postMessage({ id, method, ask } as Request);
      } catch (error) {
        this.#waiting.delete(id);
        reject(error); // what cannot be cloned, such as a function among the options
      }
    });
  }

  /** Ends the worker; whoever still waits is told. */
  close(what: string): void {
    this.#end(new HanjiError(`this ${what} is closed; open the bundle again`));
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }

  #receive(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    if (reply.kind === "progress") return waiting.onProgress?.(reply.loaded, reply.all);
    this.#waiting.delete(reply.id);
    if (reply.kind === "failure") return waiting.reject(errorOf(reply.failure));
    waiting.resolve(reply.answer as never); // the answer to the method that was asked
  }
}
