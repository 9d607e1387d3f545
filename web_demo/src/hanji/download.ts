/** Fetches files up to a maximum size, and computes SHA-256. */

import { BundleError, HanjiError, messageOf } from "./errors.ts";

export interface Downloaded {
  content: Uint8Array<ArrayBuffer>;
  /** False if the file exceeds the requested size; `content` is then cut off at that size. */
  isWhole: boolean;
}

export interface DownloadOptions {
  signal?: AbortSignal;
  /** Called with the number of bytes received since the previous call. */
  onBytes?: (bytes: number) => void;
}

/** Fetches at most `maxBytes` of the file at `location`; BundleError if it is missing or cannot be read. */
export async function download(
  fetch: typeof globalThis.fetch,
  location: string,
  maxBytes: number,
  { signal, onBytes }: DownloadOptions = {},
): Promise<Downloaded> {
  try {
    const response = await fetch(location, {
      credentials: "same-origin",
      redirect: "error", // all files of a bundle are in one folder
      cache: "no-cache", // a cached file of an older bundle must not be combined with a new manifest
      ...(signal && { signal }),
    });
    checkStatus(response, location);
    return await firstBytes(response, maxBytes, onBytes);
  } catch (error) {
    if (error instanceof HanjiError) throw error;
    throw new BundleError(
      `${location}: cannot be read: ${messageOf(error)}; check the address and the network`,
    );
  }
}

/** SHA-256 in hex. */
export async function sha256(content: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    throw new HanjiError(
      "WebCrypto is missing, which is needed to verify bundles: " +
        "serve the page over https, or from localhost",
    );
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function checkStatus(response: Response, location: string): void {
  if (response.ok) return;
  if (response.status === 404 || response.status === 410) {
    throw new BundleError(`${location}: the file is missing; copy or export the bundle again`);
  }
  throw new BundleError(
    `${location}: cannot be read: HTTP ${response.status} ${response.statusText}`.trimEnd(),
  );
}

async function firstBytes(
  response: Response,
  maxBytes: number,
  onBytes: ((bytes: number) => void) | undefined,
): Promise<Downloaded> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      return { content: joined(chunks, maxBytes), isWhole: false };
    }
    onBytes?.(value.length);
  }
  return { content: joined(chunks, length), isWhole: true };
}

/** The first `length` bytes of `chunks`. */
function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(length);
  let start = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, length - start);
    result.set(part, start);
    start += part.length;
  }
  return result;
}
