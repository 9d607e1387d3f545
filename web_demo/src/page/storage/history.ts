import type { Database } from "./database.ts";
import { Signal } from "../signal.ts";

/** An item that somebody picked; `item` is the bundle's own id. */
export interface Pick {
  bundle: string;
  item: number | string;
  title: string;
  /** When, as ISO 8601. */
  at: string;
}

/** The picks for one bundle, oldest first, kept in the database. */
export class History {
  private constructor(
    private readonly database: Database,
    private readonly bundle: string,
    readonly picks: Signal<readonly Pick[]>,
  ) {}

  static async open(database: Database, bundle: string): Promise<History> {
    const all = await database.all<Pick>("history");
    const own = all.filter((pick) => pick.bundle === bundle).sort((a, b) => (a.at < b.at ? -1 : 1));
    return new History(database, bundle, new Signal<readonly Pick[]>(own));
  }

  get lasting(): boolean {
    return this.database.lasting;
  }

  has(item: number | string): boolean {
    return this.picks.value.some((pick) => pick.item === item);
  }

  async add(item: number | string, title: string): Promise<void> {
    if (this.has(item)) return;
    const pick: Pick = { bundle: this.bundle, item, title, at: this.now() };
    this.picks.set([...this.picks.value, pick]);
    await this.database.change([{ store: "history", put: pick }]);
  }

  async remove(item: number | string): Promise<void> {
    this.picks.set(this.picks.value.filter((pick) => pick.item !== item));
    await this.database.change([{ store: "history", remove: [this.bundle, item] }]);
  }

  /** Shows as gone only what is gone: a page that is closed at once must not bring it back. */
  async erase(): Promise<void> {
    const gone = this.picks.value;
    await this.database.change(
      gone.map((pick) => ({ store: "history", remove: [pick.bundle, pick.item] }) as const),
    );
    this.picks.set(this.picks.value.filter((pick) => !gone.includes(pick)));
  }

  /** What "Export" writes: JSON that a person can read and `hanji recommend --history` can be fed from. */
  exported(): string {
    const picks = this.picks.value.map(({ item, title, at }) => ({ item, title, at }));
    return `${JSON.stringify({ bundle: this.bundle, exported: new Date().toISOString(), picks }, null, 2)}\n`;
  }

  /** Later than every pick there is, so that the order survives two picks in one millisecond. */
  private now(): string {
    const last = this.picks.value.at(-1);
    const earliest = last ? Date.parse(last.at) + 1 : 0;
    return new Date(Math.max(Date.now(), earliest)).toISOString();
  }
}
