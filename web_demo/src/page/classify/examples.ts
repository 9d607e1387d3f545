import type { RemoteClassifier } from "../../hanji/client.ts";
import { download, sha256 } from "../../hanji/download.ts";
import type { PixelArray } from "../../hanji/types.ts";

/** An example image of the bundle, already prepared for the model. */
export interface Example {
  label: string;
  pixels: PixelArray;
}

interface Golden {
  artifacts: Record<string, { cases: { image: string; label: number }[] } | undefined>;
}

/**
 * Example images from the golden file of the bundle at `url`, one per class. Errors: the file is missing or
 * differs from the manifest.
 */
export async function examplesOf(remote: RemoteClassifier, url: string, count: number): Promise<Example[]> {
  const { golden: path, files, picture } = remote.manifest;
  const file = files.find((each) => each.path === path);
  const { content } = await download(fetch, url + path, file?.bytes ?? 0);
  if ((await sha256(content)) !== file?.sha256)
    throw new Error(
      `${path}: expected the file that the manifest lists, found another one; copy the bundle again`,
    );
  const golden = JSON.parse(new TextDecoder().decode(content)) as Golden;
  const cases = Object.values(golden.artifacts)[0]?.cases ?? [];
  const byLabel = new Map(cases.map((each) => [each.label, each]));
  const { width, height, channels } = picture;
  return [...byLabel.values()]
    .sort((a, b) => a.label - b.label)
    .slice(0, count)
    .map(({ image, label }) => {
      const data = Uint8Array.from(atob(image), (character) => character.charCodeAt(0));
      return { label: remote.labels[label] ?? String(label), pixels: { data, width, height, channels } };
    });
}
