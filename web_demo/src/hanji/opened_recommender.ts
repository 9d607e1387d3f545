/** Answers from an open bundle, in the user's own ids: what `Recommender` is, but for how it is opened. */

import { EngineError, HanjiError } from "./errors.ts";
import type { Inputs, Tensor } from "./engines/base.ts";
import { notReplayed, parseGolden, replay } from "./golden.ts";
import type { Ids, Items, OwnId } from "./ids.ts";
import type { RecommenderManifest } from "./manifest.types.ts";
import type { RecommenderParts } from "./opening.ts";
import {
  historyQuestion,
  knownItems,
  NOTHING,
  skippedNote,
  userQuestion,
  wrongAsker,
  type Question,
} from "./questions.ts";
import { checkWishes, ranking, shortageNote, type Wishes } from "./ranking.ts";
import { reasons } from "./reasons.ts";
import { checkedSignature } from "./signatures.ts";
import { latencyOf, Stopwatch } from "./stopwatch.ts";
import { takesOf, type Takes } from "./takes.ts";
import { areFinite } from "./tensors.ts";
import { shown } from "./text.ts";
import type * as types from "./types.ts";

export class OpenedRecommender {
  readonly manifest: RecommenderManifest;
  readonly takes: Takes;
  readonly placement: types.Placement;
  readonly opening: types.Opening;
  /** The bundle's own user ids; null where it takes a history. */
  readonly users: Ids | null;
  readonly items: Items;
  readonly #parts: RecommenderParts;
  #engine: Stopwatch | null;

  constructor(parts: RecommenderParts) {
    this.#parts = parts;
    this.#engine = new Stopwatch(parts.engine);
    this.manifest = parts.manifest;
    this.takes = takesOf(parts.manifest);
    this.placement = parts.engine.placement;
    this.opening = parts.opening;
    this.users = parts.users;
    this.items = parts.items;
  }

  /**
   * The `k` best items for a user, or for who has met the items of a history: see `takes`.
   *
   * An unknown user and unknown item ids get what the manifest says: a ranking by popularity or an
   * UnknownIdError; skipped and counted or an UnknownIdError. A history without a known item is ranked by
   * popularity. If fewer than `k` items are unseen and pass the filter, fewer come back and `note` says so.
   * HanjiError for a `k` or `diversity` that cannot be had, for a user or history that the bundle does not
   * take, and for `explain` where its model or engine cannot.
   */
  async recommend(
    ask: types.Ask,
    k = 10,
    options: types.RecommendOptions = {},
  ): Promise<types.Recommendations> {
    const { excludeSeen = true, exclude = [], filter, diversity = 0, explain = 0 } = options;
    const question = this.#question(ask);
    if (explain) this.#checkExplain(explain);
    const { indices: excluded, skipped } = knownItems(
      exclude,
      this.items.ids,
      this.manifest.ids.items.unknown,
      "exclude",
    );
    const wishes: Wishes = { k, excluded, seen: excludeSeen ? question.seen : NOTHING, filter, diversity };
    checkWishes(wishes, this.items.length);
    const scores = question.inputs ? await this.#scores(question) : this.items.popularity.slice();
    const best = ranking(scores, this.items, wishes);
    const items: types.Recommendation[] = [];
    for (const index of best) {
      const why = explain && question.seen.length ? await this.#reasons(question.seen, index, explain) : [];
      items.push(this.#row(items.length + 1, index, scores[index] as number, why));
    }
    const notes = [question.note, skippedNote("excluded", skipped), shortageNote(best.length, wishes)];
    return {
      items,
      source: question.inputs ? "model" : "popularity",
      note: notes.filter(Boolean).join("; "),
      skipped: question.skipped + skipped,
    };
  }

  /**
   * The `k` items of `history` that speak most for `item`, strongest first, as the model has it.
   *
   * Fewer if fewer raised the score of `item`, which may be any item, also one of the history. HanjiError if
   * the model or the engine cannot say or the history holds no known item; UnknownIdError for `item`.
   */
  async why(history: readonly OwnId[], item: OwnId, k = 3): Promise<types.Reason[]> {
    this.#checkExplain(k);
    const { seen } = this.#answerable({ history });
    return this.#reasons(seen, this.items.ids.knownIndexOf(item), k);
  }

  /**
   * Scores of all items, float32 [items], in the order of `items.ids`.
   *
   * UnknownIdError for an unknown user and HanjiError for a history without a known item, whatever the
   * manifest says: popularity is no score.
   */
  async scores(ask: types.Ask): Promise<Float32Array> {
    return this.#scores(this.#answerable(ask));
  }

  /** Replays golden.json and compares; it fails, too, if this artifact was not run at export. */
  async selfTest(): Promise<types.SelfTest> {
    const { bundle, artifact } = this.#parts;
    const file = bundle.file(this.manifest.golden);
    const contents = await bundle.read([file]);
    const golden = parseGolden(contents.get(file.path) ?? new Uint8Array(), file.path);
    const expected = golden.artifacts.get(artifact.format);
    if (!expected) return notReplayed(file.path, artifact.format);
    const known = (own: OwnId) => this.items.ids.knownIndexOf(own);
    // LiteRT.js cannot say why: see engines/litert.ts. The outcome says that it was not asked.
    const canSay = this.placement.engine !== "litert";
    return replay(expected, golden.k, this.items.ids, {
      scores: (ask) => this.scores(ask),
      shares: canSay
        ? (history, item) => this.#contributions(Int32Array.from(history, known), known(item))
        : null,
    });
  }

  /** Times `recommend(ask, k)`. */
  time(runs: number, ask: types.Ask, k = 10): Promise<types.Latency> {
    return latencyOf(() => this.recommend(ask, k), runs, this.#open());
  }

  /** Lets go of the engine and the model. */
  close(): void {
    this.#engine?.close();
    this.#engine = null;
  }

  #question({ user, history }: types.Ask): Question {
    const { users: table, items } = this.manifest.ids;
    if (this.users && table && user !== undefined && history === undefined) {
      return userQuestion(user, this.users, table.unknown);
    }
    if (!this.users && user === undefined && history !== undefined) {
      return historyQuestion(history, this.items.ids, items.unknown);
    }
    throw wrongAsker(this.takes, user, history);
  }

  /** A question that the model itself can answer, else UnknownIdError or HanjiError. */
  #answerable(ask: types.Ask): Question {
    const question = this.#question(ask);
    if (question.inputs) return question;
    if (this.users && ask.user !== undefined) throw this.users.unknown(ask.user);
    throw new HanjiError("history: expected at least one item id that this bundle knows, found none");
  }

  #checkExplain(count: number): void {
    if (!Number.isSafeInteger(count) || count < 1)
      throw new HanjiError(`reasons: expected 1 or more, found ${shown(count)}`);
    if (this.users) {
      throw new HanjiError("this bundle takes a user, not a history: there is nothing to explain a score by");
    }
    checkedSignature(this.#parts.artifact, "why");
  }

  async #reasons(seen: Int32Array, item: number, k: number): Promise<types.Reason[]> {
    return reasons(await this.#contributions(seen, item), seen, this.items, k);
  }

  /** What each item of a history brought to the score of `item` (indices), float32 [n]. */
  #contributions(seen: Int32Array, item: number): Promise<Float32Array> {
    return this.#run("why", { history: tensor(seen), item: tensor(Int32Array.of(item)) }, seen.length);
  }

  #scores({ signature, inputs }: Question): Promise<Float32Array> {
    const tensors = Object.entries(inputs ?? {}).map(([name, indices]) => [name, tensor(indices)] as const);
    return this.#run(signature, Object.fromEntries(tensors), this.items.length);
  }

  async #run(signature: string, inputs: Inputs, count: number): Promise<Float32Array> {
    const { engine, version } = this.placement;
    const { data, shape } = await this.#open().run(signature, inputs);
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

  #open(): Stopwatch {
    if (!this.#engine) throw new HanjiError("this Recommender is closed; open the bundle again");
    return this.#engine;
  }
}

function tensor(indices: Int32Array): Tensor {
  return { data: Int32Array.from(indices), shape: [indices.length] };
}
