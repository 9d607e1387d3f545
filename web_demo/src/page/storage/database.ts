/**
 * Storage in IndexedDB: the history, the version of each model in use, refused versions, and the last known
 * list of bundles. Where IndexedDB is not available (some private windows), data is kept in memory; see
 * `persistent`.
 */

export type StoreName = "history" | "versions" | "refusals" | "settings";

/** The IndexedDB key path of each store. */
const KEY_PATHS: Readonly<Record<StoreName, string | string[]>> = {
  history: ["bundle", "item"],
  versions: "name",
  refusals: "name",
  settings: "key",
};

export interface Database {
  /** Whether data survives when the page is closed. */
  readonly persistent: boolean;
  all<T>(store: StoreName): Promise<T[]>;
  get<T>(store: StoreName, key: IDBValidKey): Promise<T | undefined>;
  /** Writes or deletes several records in one transaction. */
  change(changes: readonly Change[]): Promise<void>;
}

export type Change = { store: StoreName } & ({ put: object } | { remove: IDBValidKey });

/** Opens the database `name`; falls back to memory instead of failing (see `persistent`). */
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
  readonly persistent = true;

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
    // "strict": resolves only when the data is on disk, because old versions are deleted after that.
    const transaction = this.database.transaction(stores, "readwrite", { durability: "strict" });
    for (const change of changes) {
      const store = transaction.objectStore(change.store);
      if ("put" in change) store.put(change.put);
      else store.delete(change.remove);
    }
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () =>
        reject(transaction.error ?? new Error("IndexedDB: the transaction was aborted"));
    });
  }
}

class MemoryDatabase implements Database {
  readonly persistent = false;
  private readonly stores = new Map<string, unknown>();

  all<T>(store: StoreName): Promise<T[]> {
    const entries = [...this.stores].filter(([key]) => key.startsWith(`${store} `));
    return Promise.resolve(entries.map(([, value]) => value as T));
  }

  get<T>(store: StoreName, key: IDBValidKey): Promise<T | undefined> {
    return Promise.resolve(this.stores.get(memoryKey(store, key)) as T | undefined);
  }

  change(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      if ("put" in change)
        this.stores.set(memoryKey(change.store, keyOf(change.store, change.put)), change.put);
      else this.stores.delete(memoryKey(change.store, change.remove));
    }
    return Promise.resolve();
  }
}

function memoryKey(store: StoreName, key: IDBValidKey): string {
  return `${store} ${JSON.stringify(key)}`;
}

function keyOf(store: StoreName, record: object): IDBValidKey {
  const fields = record as Readonly<Record<string, IDBValidKey>>;
  const path = KEY_PATHS[store];
  const key = typeof path === "string" ? fields[path] : path.map((part) => fields[part] ?? "");
  if (key === undefined) throw new Error(`${store}: expected a record with ${String(path)}`);
  return key;
}
