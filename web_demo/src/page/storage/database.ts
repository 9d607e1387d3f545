/**
 * What this browser keeps, in IndexedDB: the history, which version of each model is in use, which
 * versions were refused, and the last known list of models. Where IndexedDB is refused (some private
 * windows), the same interface over memory, and `lasting` says so.
 */

export type StoreName = "history" | "versions" | "refusals" | "settings";

/** IndexedDB's key path of each store. */
const KEY_PATHS: Readonly<Record<StoreName, string | string[]>> = {
  history: ["bundle", "item"],
  versions: "name",
  refusals: "name",
  settings: "key",
};

export interface Database {
  /** Whether what is written is there after the page was closed. */
  readonly lasting: boolean;
  all<T>(store: StoreName): Promise<T[]>;
  get<T>(store: StoreName, key: IDBValidKey): Promise<T | undefined>;
  /** Writes or deletes several records in one transaction: all of them or none. */
  change(changes: readonly Change[]): Promise<void>;
}

export type Change = { store: StoreName } & ({ put: object } | { remove: IDBValidKey });

/** Opens the database `name`; never fails: see `lasting`. */
export async function openDatabase(name = "hanji"): Promise<Database> {
  try {
    return new StoredDatabase(await opened(name));
  } catch {
    return new MemoryDatabase();
  }
}

function opened(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    for (const [store, keyPath] of Object.entries(KEY_PATHS)) {
      request.result.createObjectStore(store, { keyPath });
    }
  };
  return settled(request);
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB: the request failed"));
  });
}

class StoredDatabase implements Database {
  readonly lasting = true;

  constructor(private readonly database: IDBDatabase) {}

  all<T>(store: StoreName): Promise<T[]> {
    return settled(this.database.transaction(store).objectStore(store).getAll());
  }

  get<T>(store: StoreName, key: IDBValidKey): Promise<T | undefined> {
    return settled(this.database.transaction(store).objectStore(store).get(key));
  }

  change(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return Promise.resolve();
    const stores = [...new Set(changes.map((change) => change.store))];
    // "strict": the disk has it when the promise is fulfilled; what depends on it is deleted only then.
    const transaction = this.database.transaction(stores, "readwrite", { durability: "strict" });
    for (const change of changes) {
      const store = transaction.objectStore(change.store);
      if ("put" in change) store.put(change.put);
      else store.delete(change.remove);
    }
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("IndexedDB: the change was undone"));
    });
  }
}

class MemoryDatabase implements Database {
  readonly lasting = false;
  private readonly stores = new Map<string, unknown>();

  all<T>(store: StoreName): Promise<T[]> {
    const of = [...this.stores].filter(([key]) => key.startsWith(`${store} `));
    return Promise.resolve(of.map(([, value]) => value as T));
  }

  get<T>(store: StoreName, key: IDBValidKey): Promise<T | undefined> {
    return Promise.resolve(this.stores.get(place(store, key)) as T | undefined);
  }

  change(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      if ("put" in change) this.stores.set(place(change.store, keyOf(change.store, change.put)), change.put);
      else this.stores.delete(place(change.store, change.remove));
    }
    return Promise.resolve();
  }
}

function place(store: StoreName, key: IDBValidKey): string {
  return `${store} ${JSON.stringify(key)}`;
}

function keyOf(store: StoreName, record: object): IDBValidKey {
  const fields = record as Readonly<Record<string, IDBValidKey>>;
  const path = KEY_PATHS[store];
  const key = typeof path === "string" ? fields[path] : path.map((part) => fields[part] ?? "");
  if (key === undefined) throw new Error(`${store}: expected a record with ${String(path)}`);
  return key;
}
