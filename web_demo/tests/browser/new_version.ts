/** Publishes new versions of a bundle on a site, with valid checksums, or damages files. */

import { createHash } from "node:crypto";
import type { Site } from "./site.ts";

interface FileEntry {
  path: string;
  bytes: number;
  sha256: string;
}

const sha256 = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

/** Serves a version of `name` in which `change` edited the JSON file at `path`; returns its hash. */
export function publish<T>(site: Site, name: string, path: string, change: (json: T) => void): string {
  const folder = `bundles/${name}/`;
  const json = JSON.parse(site.content(folder + path).toString("utf8")) as T;
  change(json);
  const content = Buffer.from(JSON.stringify(json));
  site.serve(folder + path, content);
  const manifest = JSON.parse(site.content(`${folder}manifest.json`).toString("utf8")) as {
    files: FileEntry[];
  };
  const entry = manifest.files.find((file) => file.path === path);
  if (!entry) throw new Error(`${path}: expected one of the bundle's own files`);
  Object.assign(entry, { bytes: content.length, sha256: sha256(content) });
  return publishManifest(site, name, manifest);
}

/** Serves another manifest with a matching checksum and list entry. */
function publishManifest(site: Site, name: string, manifest: object): string {
  const content = Buffer.from(JSON.stringify(manifest));
  const digest = sha256(content);
  site.serve(`bundles/${name}/manifest.json`, content);
  site.serve(`bundles/${name}/manifest.sha256`, `${digest}  manifest.json\n`);
  const list = JSON.parse(site.content("bundles/index.json").toString("utf8")) as {
    bundles: { name: string; manifest_sha256: string }[];
  };
  for (const each of list.bundles) if (each.name === name) each.manifest_sha256 = digest;
  site.serve("bundles/index.json", JSON.stringify(list));
  return digest;
}

/** Flips one bit of a file and keeps its checksum. */
export function damage(site: Site, name: string, path: string): void {
  const content = Buffer.from(site.content(`bundles/${name}/${path}`));
  content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1;
  site.serve(`bundles/${name}/${path}`, content);
}
