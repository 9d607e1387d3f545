/** Fetches a file without ever holding more of it than is expected, and hashes what has come. */

import { BundleError, HanjiError, messageOf } from "./errors.ts";

export interface Downloaded {
  content: Uint8Array<ArrayBuffer>;
  /** False if there was more than was asked for: then `content` is its beginning. */
  isWhole: boolean;
}

export interface DownloadOptions {
  signal?: AbortSignal;
  /** Told how many bytes have come since it was last told. */
  onBytes?: (bytes: number) => void;
}

/** At most `largest` bytes of the file at `location`; BundleError if there is none or it cannot be read. */
export async function download(
  fetch: typeof globalThis.fetch,
  location: string,
  largest: number,
  { signal, onBytes }: DownloadOptions = {},
): Promise<Downloaded> {
  try {
    const response = await fetch(location, {
      credentials: "same-origin",
      redirect: "error", // a bundle is one folder: nothing leads out of it
      cache: "no-cache", // else a file of an older bundle beside a new manifest could come out of a cache
      ...(signal && { signal }),
    });
    checkStatus(response, location);
    return await firstBytes(response, largest, onBytes);
  } catch (error) {
    if (error instanceof HanjiError) throw error;
    throw new BundleError(
      `${location}: cannot be read: ${messageOf(error)}; look at the address and the network`,
    );
  }
}

/** SHA-256 in hex. */
export async function sha256(content: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    throw new HanjiError(
      "WebCrypto is missing, without which no bundle can be verified: " +
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
  largest: number,
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
    if (length > largest) {
      await reader.cancel();
      return { content: joined(chunks, largest), isWhole: false };
    }
    onBytes?.(value.length);
  }
  return { content: joined(chunks, length), isWhole: true };
}

/** The first `length` bytes of what came in `chunks`. */
function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let start = 0;
  for (const chunk of chunks) {
    const part = chunk.subarray(0, length - start);
    whole.set(part, start);
    start += part.length;
  }
  return whole;
}
