/**
 * Where versions of bundles are kept: one cache a version, named by the SHA-256 of its manifest, under
 * addresses that the service worker answers from that cache and from nowhere else. Page and service worker
 * share this.
 */

/** Path, relative to the page, under which the service worker serves kept versions. */
export const KEPT = "kept/";
const PREFIX = "hanji-bundle-";

export function cacheOf(sha256: string): string {
  return `${PREFIX}${sha256}`;
}

/** The version whose cache has this name, or null for a cache that holds something else. */
export function versionOf(cache: string): string | null {
  return cache.startsWith(PREFIX) ? cache.slice(PREFIX.length) : null;
}

export function keptPath(sha256: string): string {
  return `${KEPT}${sha256}/`;
}

/** Enough of a hash to tell versions apart by eye. */
export function short(sha256: string): string {
  return sha256.slice(0, 12);
}
