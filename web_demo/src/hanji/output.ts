/** Outputs of a classifier that are not the classes of one label per image. */

import type { ClassifierManifest, Output } from "./manifest.types.ts";

/** The manifest's output; undefined if an image has one label. Version 1 has none, whatever it contains. */
export function outputOf({ schema_version, output }: ClassifierManifest): Output | undefined {
  return schema_version === 1 ? undefined : output;
}

/** Yields a message for each contradiction with the labels and the probabilities. */
export function* outputProblems(manifest: ClassifierManifest): Generator<string> {
  const output = outputOf(manifest);
  if (!output) return;
  const { kind, thresholds = [], units = [] } = output;
  const [key, values, expected] =
    kind === "values" ? (["units", units, "none"] as const) : (["thresholds", thresholds, "graph"] as const);
  const { count } = manifest.labels;
  if (values.length !== count) {
    yield `output.${key}: expected ${count} (labels.count), found ${values.length}`;
  }
  const { source } = manifest.probabilities;
  if (source !== expected) {
    yield `probabilities.source: expected ${expected} for ${kind}, found ${source}`;
  }
}
