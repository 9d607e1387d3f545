import type { Items, OwnId } from "../../hanji/ids.ts";

/** An item that a search found. */
export interface Found {
  id: OwnId;
  title: string;
  genres: readonly string[];
}

/** Words that say nothing at the start of a title. */
const ARTICLE = /^(the|an?|la|le|les|el|los|der|die|das) /;

/** Finds items by what somebody types: any words, in any order, each the beginning of a word of the title. */
export class TitleSearch {
  private readonly titles: readonly string[];
  /** Indices, the most popular first: so found ones need no sorting but by how well they fit. */
  private readonly order: readonly number[];

  constructor(private readonly items: Items) {
    this.titles = items.titles.map(plain);
    const { popularity } = items;
    this.order = Array.from(this.titles.keys()).sort((a, b) => (popularity[b] ?? 0) - (popularity[a] ?? 0));
  }

  /** At most `limit` items, best fit first; among equals the most popular. */
  find(text: string, limit: number): Found[] {
    const query = plain(text);
    if (query === "") return [];
    const words = query.split(" ");
    const fits: number[][] = [[], [], []];
    for (const index of this.order) {
      const fit = fitOf(this.titles[index] ?? "", query, words);
      if (fit >= 0) fits[fit]?.push(index);
    }
    return fits
      .flat()
      .slice(0, limit)
      .map((index) => this.at(index));
  }

  /**
   * Popular items to begin with, each of another first genre than those before it, as far as there are
   * any.
   */
  popular(count: number, skip: (id: OwnId) => boolean): Found[] {
    const candidates = this.order.filter((index) => !skip(this.items.ids.at(index)));
    const genres = new Set<string>();
    const varied = candidates.filter((index) => {
      const genre = this.items.genresOf(index)[0] ?? "";
      return genre !== "" && !genres.has(genre) && genres.add(genre);
    });
    return [...new Set([...varied, ...candidates])].slice(0, count).map((index) => this.at(index));
  }

  private at(index: number): Found {
    return {
      id: this.items.ids.at(index),
      title: this.items.title(index),
      genres: this.items.genresOf(index),
    };
  }
}

/**
 * 0: the title begins so. 1: every word of the query begins one of its words. 2: it is somewhere
 * inside. -1: no.
 */
function fitOf(title: string, query: string, words: readonly string[]): number {
  if (title.startsWith(query) || title.replace(ARTICLE, "").startsWith(query)) return 0;
  const spaced = ` ${title}`;
  if (words.every((word) => spaced.includes(` ${word}`))) return 1;
  return title.includes(query) ? 2 : -1;
}

/** Lower case, without accents and punctuation: what is compared. Hangul stays as it is. */
export function plain(text: string): string {
  const bare = text
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "")
    .normalize("NFC");
  return bare
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
