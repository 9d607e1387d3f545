/**
 * Opens a bundle by its URL and returns its files as verified bytes.
 *
 * The manifest is verified against manifest.sha256 before it is parsed, and every other file against the
 * manifest before its content is used. Nothing is fetched twice: the verified bytes are the bytes in use.
 */

import { download, sha256 } from "./download.ts";
import { BundleError, ChecksumError } from "./errors.ts";
import type { AnyManifest, FileEntry } from "./manifest.types.ts";
import { parseManifest } from "./manifest.ts";
import type { Opening, OpenOptions } from "./types.ts";
import { absolute } from "./urls.ts";

const MANIFEST = "manifest.json";
const CHECKSUM = "manifest.sha256";
const MAX_MANIFEST_BYTES = 16 * 2 ** 20;
const ADVICE = "copy or export the bundle again";

/** Verified files by path. */
export type Contents = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** A bundle whose manifest has been verified. */
export class Bundle {
  readonly url: string;
  readonly manifest: AnyManifest;
  readonly #fetch: typeof fetch;
  readonly #files: { path: string; bytes: number; sha256: string }[];
  readonly #milliseconds = { download: 0, verify: 0, load: 0 };

  private constructor(
    url: string,
    manifest: AnyManifest,
    fetch: typeof globalThis.fetch,
    files: FileEntry[],
  ) {
    this.url = url;
    this.manifest = manifest;
    this.#fetch = fetch;
    this.#files = files;
  }

  /**
   * Opens the bundle in the folder at `url`; only the manifest and its checksum are read.
   *
   * BundleError if there is no bundle, ChecksumError if manifest.json differs from the exported file,
   * SchemaVersionError if this loader is too old for it.
   */
  static async open(url: string | URL, options: OpenOptions = {}): Promise<Bundle> {
    const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    const root = absolute(url).replace(/\/?$/, "/");
    const start = performance.now();
    const [content, checksum] = await Promise.all([
      fetchSmallFile(fetch, root + MANIFEST),
      fetchSmallFile(fetch, root + CHECKSUM),
    ]);
    const downloaded = performance.now();
    const digest = await sha256(content);
    if (new TextDecoder("utf-8", { ignoreBOM: true }).decode(checksum) !== `${digest}  ${MANIFEST}\n`) {
      throw new ChecksumError(
        `${root + MANIFEST}: its sha256 ${digest} does not match ${CHECKSUM}: ` +
          `one of the two was modified or damaged; ${ADVICE}`,
      );
    }
    const manifest = parseManifest(content, root + MANIFEST);
    const entry = { path: MANIFEST, bytes: content.length, sha256: digest };
    const bundle = new Bundle(root, manifest, fetch, [entry]);
    bundle.#milliseconds.download = downloaded - start;
    bundle.#milliseconds.verify = performance.now() - downloaded;
    return bundle;
  }

  /** The manifest entry of one of the bundle's own files (users, items, labels, golden). */
  file(path: string): FileEntry {
    const found = this.manifest.files.find((file) => file.path === path);
    if (!found) throw new BundleError(`${this.url}: the manifest lists no file ${path}; ${ADVICE}`);
    return found;
  }

  /**
   * Fetches `files` in parallel and returns their contents by path; BundleError or ChecksumError if one
   * differs from the exported file.
   */
  async read(files: readonly FileEntry[], onProgress?: OpenOptions["onProgress"]): Promise<Contents> {
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    let loaded = 0;
    const onBytes = (bytes: number) => onProgress?.((loaded += bytes), total);
    const start = performance.now();
    const controller = new AbortController();
    const downloads = files.map((file) => this.#download(file, controller.signal, onBytes));
    const contents = await Promise.all(downloads).catch((error: unknown) => {
      controller.abort(); // the other downloads are no longer needed
      throw error;
    });
    const downloaded = performance.now();
    await Promise.all(
      files.map((file, index) => this.#verify(file, contents[index] as Uint8Array<ArrayBuffer>)),
    );
    this.#milliseconds.download += downloaded - start;
    this.#milliseconds.verify += performance.now() - downloaded;
    this.#files.push(...files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })));
    return new Map(files.map(({ path }, index) => [path, contents[index] as Uint8Array<ArrayBuffer>]));
  }

  /** Downloads and timings of opening the bundle; `loadMilliseconds` is the load time of the engine. */
  opening(loadMilliseconds: number): Opening {
    const downloadedBytes = this.#files.reduce((sum, { bytes }) => sum + bytes, 0);
    return {
      downloadedBytes,
      files: [...this.#files],
      milliseconds: { ...this.#milliseconds, load: loadMilliseconds },
    };
  }

  async #download(
    file: FileEntry,
    signal: AbortSignal,
    onBytes: (bytes: number) => void,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const location = this.url + file.path;
    const { content, isWhole } = await download(this.#fetch, location, file.bytes, { signal, onBytes });
    if (!isWhole || content.length !== file.bytes) {
      const found = isWhole ? content.length : "more";
      throw new ChecksumError(
        `${location}: expected ${file.bytes} bytes, found ${found}: ` +
          `the file is truncated or modified; ${ADVICE}`,
      );
    }
    return content;
  }

  async #verify(file: FileEntry, content: Uint8Array<ArrayBuffer>): Promise<void> {
    const found = await sha256(content);
    if (found === file.sha256) return;
    throw new ChecksumError(
      `${this.url + file.path}: expected sha256 ${file.sha256}, found ${found}: ` +
        `the file is modified or damaged; ${ADVICE}`,
    );
  }
}

/** Fetches manifest.json or manifest.sha256, whose sizes are not known in advance. */
async function fetchSmallFile(
  fetch: typeof globalThis.fetch,
  location: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { content, isWhole } = await download(fetch, location, MAX_MANIFEST_BYTES);
  if (isWhole) return content;
  throw new BundleError(`${location}: expected at most ${MAX_MANIFEST_BYTES} bytes, found more; ${ADVICE}`);
}
