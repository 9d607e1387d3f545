/**
 * Opens a bundle by its URL and hands out its files as verified bytes.
 *
 * The manifest is checked against manifest.sha256 before it is parsed, every other file against the manifest
 * before anyone sees its content. Bytes that were checked are the bytes that are used: nothing is fetched
 * twice.
 */

import { download, sha256 } from "./download.ts";
import { BundleError, ChecksumError } from "./errors.ts";
import type { AnyManifest, FileEntry } from "./manifest.types.ts";
import { parseManifest } from "./manifest.ts";
import { absolute } from "./places.ts";
import type { Opening, OpenOptions } from "./types.ts";

const MANIFEST = "manifest.json";
const CHECKSUM = "manifest.sha256";
const LARGEST_MANIFEST_BYTES = 16 * 2 ** 20;
const AGAIN = "copy or export the bundle again";

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
   * The bundle in the folder at `url`, no file but the manifest read.
   *
   * BundleError if there is no bundle, ChecksumError if manifest.json is not the exported one,
   * SchemaVersionError if this loader is too old for it.
   */
  static async open(url: string | URL, options: OpenOptions = {}): Promise<Bundle> {
    const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    const root = absolute(url).replace(/\/?$/, "/");
    const start = performance.now();
    const [content, checksum] = await Promise.all([
      small(fetch, root + MANIFEST),
      small(fetch, root + CHECKSUM),
    ]);
    const middle = performance.now();
    const digest = await sha256(content);
    if (new TextDecoder("utf-8", { ignoreBOM: true }).decode(checksum) !== `${digest}  ${MANIFEST}\n`) {
      throw new ChecksumError(
        `${root + MANIFEST}: its sha256 is ${digest}, which is not what ${CHECKSUM} says: ` +
          `one of the two was edited or damaged; ${AGAIN}`,
      );
    }
    const manifest = parseManifest(content, root + MANIFEST);
    const read = { path: MANIFEST, bytes: content.length, sha256: digest };
    const bundle = new Bundle(root, manifest, fetch, [read]);
    bundle.#milliseconds.download = middle - start;
    bundle.#milliseconds.verify = performance.now() - middle;
    return bundle;
  }

  /** The entry of one of the manifest's own files (users, items, labels, golden). */
  file(path: string): FileEntry {
    const found = this.manifest.files.find((file) => file.path === path);
    if (!found) throw new BundleError(`${this.url}: the manifest lists no file ${path}; ${AGAIN}`);
    return found;
  }

  /**
   * The contents of `files` by path, all at once; BundleError or ChecksumError if one is not what was
   * exported.
   */
  async read(files: readonly FileEntry[], onProgress?: OpenOptions["onProgress"]): Promise<Contents> {
    const all = files.reduce((sum, { bytes }) => sum + bytes, 0);
    let loaded = 0;
    const tell = (bytes: number) => onProgress?.((loaded += bytes), all);
    const start = performance.now();
    const stop = new AbortController();
    const downloads = files.map((file) => this.#download(file, stop.signal, tell));
    const contents = await Promise.all(downloads).catch((error: unknown) => {
      stop.abort(); // the other files are not needed any more
      throw error;
    });
    const middle = performance.now();
    await Promise.all(
      files.map((file, index) => this.#verify(file, contents[index] as Uint8Array<ArrayBuffer>)),
    );
    this.#milliseconds.download += middle - start;
    this.#milliseconds.verify += performance.now() - middle;
    this.#files.push(...files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })));
    return new Map(files.map(({ path }, index) => [path, contents[index] as Uint8Array<ArrayBuffer>]));
  }

  /** What opening took, given how long the engine took to load. */
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
    tell: (bytes: number) => void,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const location = this.url + file.path;
    const { content, isWhole } = await download(this.#fetch, location, file.bytes, { signal, onBytes: tell });
    if (!isWhole || content.length !== file.bytes) {
      const found = isWhole ? content.length : "more";
      throw new ChecksumError(
        `${location}: expected ${file.bytes} bytes, found ${found}: the file was cut or edited; ${AGAIN}`,
      );
    }
    return content;
  }

  async #verify(file: FileEntry, content: Uint8Array<ArrayBuffer>): Promise<void> {
    const found = await sha256(content);
    if (found === file.sha256) return;
    throw new ChecksumError(
      `${this.url + file.path}: expected sha256 ${file.sha256}, found ${found}: ` +
        `the file was edited or damaged; ${AGAIN}`,
    );
  }
}

/** One of the two files whose size nothing says. */
async function small(fetch: typeof globalThis.fetch, location: string): Promise<Uint8Array<ArrayBuffer>> {
  const { content, isWhole } = await download(fetch, location, LARGEST_MANIFEST_BYTES);
  if (isWhole) return content;
  throw new BundleError(
    `${location}: expected at most ${LARGEST_MANIFEST_BYTES} bytes, found more; ${AGAIN}`,
  );
}
