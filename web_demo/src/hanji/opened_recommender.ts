/** Recommends items with an open bundle: the base class of `Recommender`, without the code that opens one. */

import { EngineError, HanjiError } from "./errors.ts";
import type { Inputs, Tensor } from "./engines/base.ts";
import { notReplayed, parseGolden, replay } from "./golden.ts";
import type { ExternalId, Ids, Items } from "./ids.ts";
import { latencyOf, TimedEngine } from "./latency.ts";
import type { RecommenderManifest } from "./manifest.types.ts";
import type { RecommenderParts } from "./opening.ts";
import {
  historyQuery,
  knownItems,
  NO_ITEMS,
  type ResolvedQuery,
  skippedNote,
  userQuery,
  wrongInput,
} from "./queries.ts";
import { type QueryKind, queryKindOf } from "./query_kind.ts";
import { checkRankingOptions, ranking, type RankingOptions, shortageNote } from "./ranking.ts";
import { reasons } from "./reasons.ts";
import { checkedSignature } from "./signatures.ts";
import { areFinite } from "./tensors.ts";
import { shown } from "./text.ts";
import type * as types from "./types.ts";

export class OpenedRecommender {
  readonly manifest: RecommenderManifest;
  readonly takes: QueryKind;
  readonly placement: types.Placement;
  readonly opening: types.Opening;
  /** The user ids of the bundle; null if it takes a history. */
  readonly users: Ids | null;
  readonly items: Items;
  readonly #parts: RecommenderParts;
  #engine: TimedEngine | null;

  constructor(parts: RecommenderParts) {
    this.#parts = parts;
    this.#engine = new TimedEngine(parts.engine);
    this.manifest = parts.manifest;
    this.takes = queryKindOf(parts.manifest);
    this.placement = parts.engine.placement;
    this.opening = parts.opening;
    this.users = parts.users;
    this.items = parts.items;
  }

  /**
   * The `k` best items for a user or a history of item ids, oldest first, whichever the bundle takes (see
   * `takes`).
   *
   * The manifest specifies how unknown ids are handled: an unknown user gets a ranking by popularity or an
   * UnknownIdError; unknown items are skipped and counted, or an UnknownIdError is thrown. A history without
   * a known item gets a ranking by popularity. If fewer than `k` items are eligible, fewer are returned and
   * `note` gives the reason. HanjiError if `k` or `diversity` is out of range, if the query does not match
   * `takes`, or if the model does not support `explain`; EngineError if the artifact or the engine does not
   * support it.
   */
  async recommend(
    query: types.Query,
    k = 10,
    options: types.RecommendOptions = {},
  ): Promise<types.Recommendations> {
    const { excludeSeen = true, exclude = [], filter, diversity = 0, explain = 0 } = options;
    const resolved = this.#resolve(query);
    if (explain) this.#checkExplain(explain);
    const { indices: excluded, skipped } = knownItems(
      exclude,
      this.items.ids,
      this.manifest.ids.items.unknown,
      "exclude",
    );
    const seen = excludeSeen ? resolved.seen : NO_ITEMS;
    const rankingOptions: RankingOptions = { k, excluded, seen, filter, diversity };
    checkRankingOptions(rankingOptions, this.items.length);
    const scores = resolved.inputs ? await this.#scores(resolved) : this.items.popularity.slice();
    const best = ranking(scores, this.items, rankingOptions);
    const items: types.Recommendation[] = [];
    for (const index of best) {
      const why = explain && resolved.seen.length ? await this.#reasons(resolved.seen, index, explain) : [];
      items.push(this.#row(items.length + 1, index, scores[index] as number, why));
    }
    const notes = [
      resolved.note,
      skippedNote("excluded", skipped),
      shortageNote(best.length, rankingOptions),
    ];
    return {
      items,
      source: resolved.inputs ? "model" : "popularity",
      note: notes.filter(Boolean).join("; "),
      skipped: resolved.skipped + skipped,
    };
  }

  /**
   * The `k` items of `history` that contribute most to the score of `item`, largest contribution first.
   *
   * Returns fewer if fewer items have a positive contribution. `item` may be any item, including one of the
   * history. HanjiError if the bundle takes no history or the history has no known item; EngineError if the
   * artifact or the engine does not support it; UnknownIdError if `item` is unknown.
   */
  async why(history: readonly ExternalId[], item: ExternalId, k = 3): Promise<types.Reason[]> {
    this.#checkExplain(k);
    const { seen } = this.#resolveKnown({ history });
    return this.#reasons(seen, this.items.ids.knownIndexOf(item), k);
  }

  /**
   * Scores of all items, float32 [items], in the order of `items.ids`.
   *
   * Regardless of the manifest, UnknownIdError for an unknown user and HanjiError for a history without a
   * known item: there is no fallback to popularity.
   */
  async scores(query: types.Query): Promise<Float32Array> {
    return this.#scores(this.#resolveKnown(query));
  }

  /** Replays golden.json and compares the outputs; also fails if this artifact did not run at export. */
  async selfTest(): Promise<types.SelfTest> {
    const { bundle, artifact } = this.#parts;
    const file = bundle.file(this.manifest.golden);
    const contents = await bundle.read([file]);
    const golden = parseGolden(contents.get(file.path) ?? new Uint8Array(), file.path);
    const expected = golden.artifacts.get(artifact.format);
    if (!expected) return notReplayed(file.path, artifact.format);
    const indexOf = (id: ExternalId) => this.items.ids.knownIndexOf(id);
    // LiteRT.js does not support "why" (see engines/litert.ts); the result states that it was not compared.
    const canExplain = this.placement.engine !== "litert";
    return replay(expected, golden.k, this.items.ids, {
      scores: (query) => this.scores(query),
      shares: canExplain
        ? (history, item) => this.#contributions(Int32Array.from(history, indexOf), indexOf(item))
        : null,
    });
  }

  /** Measures the latency of `recommend(query, k)`. */
  time(runs: number, query: types.Query, k = 10): Promise<types.Latency> {
    return latencyOf(() => this.recommend(query, k), runs, this.#openEngine());
  }

  /** Releases the engine and the model. */
  close(): void {
    this.#engine?.close();
    this.#engine = null;
  }

  #resolve({ user, history }: types.Query): ResolvedQuery {
    const { users: table, items } = this.manifest.ids;
    if (this.users && table && user !== undefined && history === undefined) {
      return userQuery(user, this.users, table.unknown);
    }
    if (!this.users && user === undefined && history !== undefined) {
      return historyQuery(history, this.items.ids, items.unknown);
    }
    throw wrongInput(this.takes, user, history);
  }

  /** Resolves a query that must be known to the model; otherwise UnknownIdError or HanjiError. */
  #resolveKnown(query: types.Query): ResolvedQuery {
    const resolved = this.#resolve(query);
    if (resolved.inputs) return resolved;
    if (this.users && query.user !== undefined) throw this.users.unknown(query.user);
    throw new HanjiError("history: expected at least one known item id, found none");
  }

  #checkExplain(count: number): void {
    if (!Number.isSafeInteger(count) || count < 1)
      throw new HanjiError(`reasons: expected 1 or more, found ${shown(count)}`);
    if (this.users) {
      throw new HanjiError("this bundle takes a user, not a history, so scores cannot be explained");
    }
    checkedSignature(this.#parts.artifact, "why");
  }

  async #reasons(seen: Int32Array, item: number, k: number): Promise<types.Reason[]> {
    return reasons(await this.#contributions(seen, item), seen, this.items, k);
  }

  /** The contribution of each item in `seen` to the score of `item` (all indices), float32 [n]. */
  #contributions(seen: Int32Array, item: number): Promise<Float32Array> {
    return this.#run("why", { history: tensor(seen), item: tensor(Int32Array.of(item)) }, seen.length);
  }

  #scores({ signature, inputs }: ResolvedQuery): Promise<Float32Array> {
    const tensors = Object.entries(inputs ?? {}).map(([name, indices]) => [name, tensor(indices)] as const);
    return this.#run(signature, Object.fromEntries(tensors), this.items.length);
  }

  async #run(signature: string, inputs: Inputs, count: number): Promise<Float32Array> {
    const { engine, version } = this.placement;
    const { data, shape } = await this.#openEngine().run(signature, inputs);
    if (!(data instanceof Float32Array) || shape.length !== 1 || shape[0] !== count) {
      throw new EngineError(`${engine}: expected ${count} scores, found shape [${shape.join(", ")}]`);
    }
    if (!areFinite(data)) {
      throw new EngineError(
        `${engine} ${version}: a score of signature '${signature}' is not a finite number; ` +
          "replay the self-test, then export the bundle again",
      );
    }
    return data;
  }

  #row(rank: number, index: number, score: number, why: types.Reason[]): types.Recommendation {
    const { items } = this;
    return {
      rank,
      item: items.ids.at(index),
      title: items.title(index),
      genres: items.genresOf(index),
      score,
      why,
    };
  }

  #openEngine(): TimedEngine {
    if (!this.#engine) throw new HanjiError("this Recommender is closed; open the bundle again");
    return this.#engine;
  }
}

function tensor(indices: Int32Array): Tensor {
  return { data: Int32Array.from(indices), shape: [indices.length] };
}
