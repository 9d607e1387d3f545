import type { Database } from "./database.ts";
import { Signal } from "../signal.ts";

/** An item picked by the user; `item` is its external id. */
export interface Pick {
  bundle: string;
  item: number | string;
  title: string;
  /** Time, ISO 8601. */
  at: string;
}

/** The picks for one bundle, oldest first, stored in the database. */
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

  get persistent(): boolean {
    return this.database.persistent;
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

  /** Removes picks only after they are deleted on disk, so that closing the page cannot bring them back. */
  async erase(): Promise<void> {
    const erased = this.picks.value;
    await this.database.change(
      erased.map((pick) => ({ store: "history", remove: [pick.bundle, pick.item] }) as const),
    );
    this.picks.set(this.picks.value.filter((pick) => !erased.includes(pick)));
  }

  /** The exported file: JSON with the picks, whose ids can be passed to `hanji recommend --history`. */
  exported(): string {
    const picks = this.picks.value.map(({ item, title, at }) => ({ item, title, at }));
    return `${JSON.stringify({ bundle: this.bundle, exported: new Date().toISOString(), picks }, null, 2)}\n`;
  }

  /** The current time, but later than all picks, so that two picks in one millisecond keep their order. */
  private now(): string {
    const last = this.picks.value.at(-1);
    const earliest = last ? Date.parse(last.at) + 1 : 0;
    return new Date(Math.max(Date.now(), earliest)).toISOString();
  }
}
