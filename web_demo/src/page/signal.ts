/** Method syntax makes the parameter bivariant, so that `Signal<Sub>` is assignable to `Signal<Super>`. */
type Listener<T> = { call(value: T): void }["call"];

/** Read-only access to a signal. */
export interface ReadonlySignal<T> {
  readonly value: T;
  subscribe(listener: Listener<T>): () => void;
}

/** An observable value. */
export class Signal<T> implements ReadonlySignal<T> {
  private readonly listeners = new Set<Listener<T>>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    this.current = value;
    for (const listener of [...this.listeners]) listener(value);
  }

  /** Calls `listener` now and after every change; returns a function that unsubscribes it. */
  subscribe(listener: Listener<T>): () => void {
    this.listeners.add(listener);
    listener(this.current);
    return () => this.listeners.delete(listener);
  }
}
