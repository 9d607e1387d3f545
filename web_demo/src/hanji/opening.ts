/** Opens a bundle for one of the two tasks: verify, choose the artifact, read files, load the model. */

import { Bundle, type Contents } from "./bundle.ts";
import { artifactFor, type Engine, type EngineKind } from "./engines/base.ts";
import { BundleError } from "./errors.ts";
import { parseItems, parseUsers, type Ids, type Items } from "./ids.ts";
import { parseLabels, type Labels } from "./labels.ts";
import type { AnyManifest, Artifact, ClassifierManifest, RecommenderManifest } from "./manifest.types.ts";
import { checkedSignature, mainSignature } from "./signatures.ts";
import type { Opening, OpenOptions } from "./types.ts";

/** The parts of an open bundle that both tasks have. */
interface Parts<M extends AnyManifest> {
  bundle: Bundle;
  manifest: M;
  artifact: Artifact;
  engine: Engine;
  opening: Opening;
}

export interface RecommenderParts extends Parts<RecommenderManifest> {
  users: Ids | null;
  items: Items;
}

export interface ClassifierParts extends Parts<ClassifierManifest> {
  labels: Labels;
}

/** Returns the engine that the options select; EngineError if there is none. */
export type KindOf = (options: OpenOptions) => EngineKind | Promise<EngineKind>;

/** See `Recommender.open`. */
export async function openRecommender(
  url: string | URL,
  options: OpenOptions,
  kindOf: KindOf,
): Promise<RecommenderParts> {
  const bundle = await Bundle.open(url, options);
  const { manifest } = bundle;
  if (manifest.task !== "recommendation") throw otherTask(bundle, "Recommender", "Classifier");
  const { users, items } = manifest.ids;
  const tables = users ? [users.path, items.path] : [items.path];
  const { artifact, contents, load } = await read(bundle, tables, options, kindOf);
  const parsed = {
    users: users ? parseUsers(contentOf(contents, users.path), users.count, users.path) : null,
    items: parseItems(contentOf(contents, items.path), items.count, items.path),
  };
  return { bundle, manifest, artifact, ...parsed, ...(await load()) };
}

/** See `Classifier.open`. */
export async function openClassifier(
  url: string | URL,
  options: OpenOptions,
  kindOf: KindOf,
): Promise<ClassifierParts> {
  const bundle = await Bundle.open(url, options);
  const { manifest } = bundle;
  if (manifest.task !== "image-classification") throw otherTask(bundle, "Classifier", "Recommender");
  const { path, count } = manifest.labels;
  const { artifact, contents, load } = await read(bundle, [path], options, kindOf);
  const labels = parseLabels(contentOf(contents, path), count, path);
  return { bundle, manifest, artifact, labels, ...(await load()) };
}

/**
 * Reads and verifies the required files, and returns a function that loads the model, to be called after the
 * tables have been parsed.
 */
async function read(bundle: Bundle, tables: readonly string[], options: OpenOptions, kindOf: KindOf) {
  const kind = await kindOf(options);
  const artifact = artifactFor(bundle.manifest, kind);
  checkedSignature(artifact, mainSignature(artifact));
  const files = [...tables.map((path) => bundle.file(path)), ...artifact.files];
  const contents = await bundle.read(files, options.onProgress);
  const load = async () => {
    const start = performance.now();
    const modelFiles = new Map(artifact.files.map(({ path }) => [path, contentOf(contents, path)]));
    const engine = await kind.load(artifact, modelFiles, options);
    return { engine, opening: bundle.opening(performance.now() - start) };
  };
  return { artifact, contents, load };
}

function contentOf(contents: Contents, path: string): Uint8Array<ArrayBuffer> {
  const content = contents.get(path);
  if (!content) throw new BundleError(`${path}: expected a file that was read, found none`);
  return content;
}

function otherTask({ url, manifest }: Bundle, requested: string, matching: string): BundleError {
  return new BundleError(
    `${url}: a bundle for ${manifest.task}, which a ${requested} cannot open; try: ${matching}.open(…)`,
  );
}
