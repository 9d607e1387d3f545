import { en, type Texts } from "./en.ts";
import { ko } from "./ko.ts";

export type { Texts };
export type Language = "en" | "ko";
export const LANGUAGES: Readonly<Record<Language, Texts>> = { en, ko };

const KEY = "hanji.language";

/** The stored language, or by default the browser's. */
export function rememberedLanguage(): Language {
  const chosen = stored();
  if (chosen === "en" || chosen === "ko") return chosen;
  const known = navigator.languages
    .map((tag) => tag.slice(0, 2).toLowerCase())
    .find((tag) => tag === "ko" || tag === "en");
  return known === "ko" ? "ko" : "en";
}

export function rememberLanguage(language: Language): void {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // Without storage, the language lasts until the page is closed.
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
