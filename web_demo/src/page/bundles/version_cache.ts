/**
 * Storage of bundle versions: one cache per version, named by the SHA-256 of its manifest, under URLs that
 * the service worker serves exclusively from that cache. Used by both the page and the service worker.
 */

/** Path, relative to the page, under which the service worker serves stored versions. */
export const STORED_PATH = "kept/";
const PREFIX = "hanji-bundle-";

export function cacheOf(sha256: string): string {
  return `${PREFIX}${sha256}`;
}

/** The version stored in the cache of this name, or null for any other cache. */
export function versionOf(cache: string): string | null {
  return cache.startsWith(PREFIX) ? cache.slice(PREFIX.length) : null;
}

export function storedPath(sha256: string): string {
  return `${STORED_PATH}${sha256}/`;
}

/** A prefix of a hash for display. */
export function shortHash(sha256: string): string {
  return sha256.slice(0, 12);
}
