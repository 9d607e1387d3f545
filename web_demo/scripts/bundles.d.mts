export interface PlacedBundle {
  name: string;
  task: string;
  path: string;
  manifest_sha256: string;
  /** Formats of its artifacts, such as "tfjs". */
  formats: string[];
}
export function placeBundles(folder: string, bundles: readonly (readonly [string, string])[]): PlacedBundle[];
