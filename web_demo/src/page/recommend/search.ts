import type { ExternalId, Items } from "../../hanji/ids.ts";

/** An item found by a search. */
export interface Match {
  id: ExternalId;
  title: string;
  genres: readonly string[];
}

/** Leading articles, which are ignored. */
const ARTICLE = /^(the|an?|la|le|les|el|los|der|die|das) /;

/** Searches items by prefixes of the words of their titles, in any order. */
export class TitleSearch {
  private readonly titles: readonly string[];
  /** Indices by descending popularity, so that matches only need to be grouped by quality. */
  private readonly order: readonly number[];

  constructor(private readonly items: Items) {
    this.titles = items.titles.map(normalized);
    const { popularity } = items;
    this.order = Array.from(this.titles.keys()).sort((a, b) => (popularity[b] ?? 0) - (popularity[a] ?? 0));
  }

  /** At most `limit` items, best matches first; ties are ordered by popularity. */
  find(text: string, limit: number): Match[] {
    const query = normalized(text);
    if (query === "") return [];
    const words = query.split(" ");
    const groups: number[][] = [[], [], []];
    for (const index of this.order) {
      const quality = matchQuality(this.titles[index] ?? "", query, words);
      if (quality >= 0) groups[quality]?.push(index);
    }
    return groups
      .flat()
      .slice(0, limit)
      .map((index) => this.at(index));
  }

  /** Popular items, at first one per main genre, to start with. */
  popular(count: number, skip: (id: ExternalId) => boolean): Match[] {
    const candidates = this.order.filter((index) => !skip(this.items.ids.at(index)));
    const genres = new Set<string>();
    const varied = candidates.filter((index) => {
      const genre = this.items.genresOf(index)[0] ?? "";
      return genre !== "" && !genres.has(genre) && genres.add(genre);
    });
    return [...new Set([...varied, ...candidates])].slice(0, count).map((index) => this.at(index));
  }

  private at(index: number): Match {
    return {
      id: this.items.ids.at(index),
      title: this.items.title(index),
      genres: this.items.genresOf(index),
    };
  }
}

/**
 * 0: the title starts with the query. 1: every word of the query is a prefix of a word of the title. 2: the
 * title contains the query. -1: no match.
 */
function matchQuality(title: string, query: string, words: readonly string[]): number {
  if (title.startsWith(query) || title.replace(ARTICLE, "").startsWith(query)) return 0;
  const spaced = ` ${title}`;
  if (words.every((word) => spaced.includes(` ${word}`))) return 1;
  return title.includes(query) ? 2 : -1;
}

/** Normalizes a text for comparison: lower case, without accents and punctuation. Hangul is unchanged. */
export function normalized(text: string): string {
  const base = text
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "")
    .normalize("NFC");
  return base
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
