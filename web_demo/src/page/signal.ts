/** Written as a method, so that a signal of something special is a signal of something general, too. */
type Listener<T> = { told(value: T): void }["told"];

/** A value that can be followed, but is changed by somebody else. */
export interface Followed<T> {
  readonly value: T;
  follow(listener: Listener<T>): () => void;
}

/** A value that tells when it changes: all the state management that this page needs. */
export class Signal<T> implements Followed<T> {
  private readonly listeners = new Set<Listener<T>>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    this.current = value;
    for (const listener of [...this.listeners]) listener(value);
  }

  /** Calls `listener` now and at every change; gives back how to stop that. */
  follow(listener: Listener<T>): () => void {
    this.listeners.add(listener);
    listener(this.current);
    return () => this.listeners.delete(listener);
  }
}
