/** Calls the methods of a worker by messages; several calls may be pending at once. */

import { EngineError, HanjiError } from "./errors.ts";
import { errorOf, type Calls, type Method, type Reply, type Request } from "./protocol.ts";

/** The part of `Worker` that is used here, so that tests can substitute it. */
export interface WorkerLike {
  postMessage(message: Request): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<Reply>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

interface PendingCall {
  resolve: (result: never) => void;
  reject: (error: Error) => void;
  onProgress: ((loadedBytes: number, totalBytes: number) => void) | undefined;
}

export class Connection {
  readonly #worker: WorkerLike;
  readonly #pending = new Map<number, PendingCall>();
  #nextId = 0;
  #closedBy: Error | undefined;

  constructor(worker: WorkerLike) {
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = (event) => {
      const reason = event.message || "it could not be loaded";
      this.#end(new EngineError(`the worker stopped: ${reason}; open the bundle again`));
    };
  }

  /** Calls `method` in the worker and returns its result; rejects with the error thrown there. */
  call<M extends Method>(
    method: M,
    params: Calls[M]["params"],
    onProgress?: (loadedBytes: number, totalBytes: number) => void,
  ): Promise<Calls[M]["result"]> {
    if (this.#closedBy) return Promise.reject(this.#closedBy);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, onProgress });
      try {
        // `method` and `params` are of one member of the union, which TypeScript cannot infer
        this.#worker.postMessage({ id, method, params } as Request);
      } catch (error) {
        this.#pending.delete(id);
        reject(error); // not cloneable, such as a function among the options
      }
    });
  }

  /** Terminates the worker and rejects all pending calls. */
  close(what: string): void {
    this.#end(new HanjiError(`this ${what} is closed; open the bundle again`));
  }

  #end(error: Error): void {
    this.#closedBy ??= error;
    this.#worker.terminate();
    for (const { reject } of this.#pending.values()) reject(this.#closedBy);
    this.#pending.clear();
  }

  #receive(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    if (reply.kind === "progress") return pending.onProgress?.(reply.loaded, reply.total);
    this.#pending.delete(reply.id);
    if (reply.kind === "failure") return pending.reject(errorOf(reply.failure));
    pending.resolve(reply.result as never); // the result type of the called method
  }
}
