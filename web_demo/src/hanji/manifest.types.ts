// Made by `npm run types` from runtime/hanji/runtime/manifest.schema.json: change that, not this.

export type AnyManifest = RecommenderManifest | ClassifierManifest;

export interface RecommenderManifest {
  schema_version: 1;
  name: string;
  task: "recommendation";
  model: {
    type: string;
    parameters: number;
    full_parameters: number;
  };
  artifacts: Artifact[];
  files: FileEntry[];
  /**
   * How each input is made, by input name.
   */
  preprocessing: {
    [k: string]: string;
  };
  /**
   * Relative to the bundle, '/' between the parts.
   */
  golden: string;
  recipe: {
    name: string;
    sha256: string;
    steps: {
      type: string;
    }[];
  };
  metrics: {
    protocol: string;
    full: {
      [k: string]: number;
    };
    compressed: {
      [k: string]: number;
    };
  };
  training_data: {
    name: string;
    format: string;
    synthetic: boolean;
    /**
     * Empty where it is not known.
     */
    licence: string;
    config: {};
    users: number;
    items: number;
    interactions: number;
  };
  seed: number;
  /**
   * The tools that made the bundle.
   */
  versions: {
    [k: string]: string;
  };
  /**
   * 'users' is there if the artifacts' signatures hold 'catalogue', and is not if they hold 'history': such a model knows no users.
   */
  ids: {
    users?: {
      /**
       * Relative to the bundle, '/' between the parts.
       */
      path: string;
      count: number;
      unknown: "popularity" | "error";
    };
    items: {
      /**
       * Relative to the bundle, '/' between the parts.
       */
      path: string;
      count: number;
      unknown: "skip" | "error";
    };
  };
}
export interface Artifact {
  format: string;
  precision: string;
  files: FileEntry[];
  engines: {
    name: string;
    oldest_version: string;
  }[];
  signatures: {
    [k: string]: Signature;
  };
  parity: Parity;
}
export interface FileEntry {
  /**
   * Relative to the bundle, '/' between the parts.
   */
  path: string;
  bytes: number;
  sha256: string;
}
export interface Signature {
  /**
   * Relative to the bundle, '/' between the parts.
   */
  path: string;
  inputs: TensorInfo[];
  outputs: TensorInfo[];
}
export interface TensorInfo {
  name: string;
  dtype: "float32" | "float16" | "int8" | "uint8" | "int16" | "int32" | "int64";
  /**
   * null stands for any size, the same in every tensor of the signature.
   */
  shape: (number | null)[];
  scale: number | null;
  zero_point: number | null;
}
export interface Parity {
  checked: boolean;
  engine?: string;
  max_abs_error?: number;
  /**
   * Of scores, or of probabilities.
   */
  score_tolerance?: number;
  reason?: string;
  top10_overlap?: number;
  minimum_top10_overlap?: number;
  top1_agreement?: number;
  minimum_top1_agreement?: number;
}
export interface ClassifierManifest {
  schema_version: 1;
  name: string;
  task: "image-classification";
  model: {
    type: string;
    parameters: number;
    full_parameters: number;
  };
  artifacts: Artifact[];
  files: FileEntry[];
  /**
   * How each input is made, by input name.
   */
  preprocessing: {
    [k: string]: string;
  };
  /**
   * Relative to the bundle, '/' between the parts.
   */
  golden: string;
  recipe: {
    name: string;
    sha256: string;
    steps: {
      type: string;
    }[];
  };
  metrics: {
    protocol: string;
    full: {
      [k: string]: number;
    };
    compressed: {
      [k: string]: number;
    };
  };
  training_data: {
    name: string;
    format: string;
    synthetic: boolean;
    /**
     * Empty where it is not known.
     */
    licence: string;
    config: {};
    /**
     * Of training; 0 where it is not known.
     */
    pictures: number;
    classes: number;
  };
  seed: number;
  /**
   * The tools that made the bundle.
   */
  versions: {
    [k: string]: string;
  };
  labels: {
    /**
     * Relative to the bundle, '/' between the parts.
     */
    path: string;
    count: number;
  };
  picture: PictureInput;
  probabilities: {
    /**
     * graph: the output is probabilities. softmax: they are softmax(output / temperature). none: the output is shown as it is.
     */
    source: "graph" | "softmax" | "none";
    temperature: number;
  };
}
/**
 * How any picture becomes the input: hanji.runtime.images.preparation says it number by number. The network sees (level - mean) / std, levels being 0 to 255.
 */
export interface PictureInput {
  height: number;
  width: number;
  /**
   * 1: grey (ITU-R 601 luma). 3: red, green, blue.
   */
  channels: 1 | 3;
  fit: "crop" | "stretch" | "pad";
  /**
   * A triangle filter that widens when it shrinks, in Pillow's integer arithmetic.
   */
  resize: "bilinear";
  /**
   * Red, green, blue behind transparent pixels and around what 'pad' leaves free.
   */
  background: number[];
  mean: number[];
  std: number[];
  normalized_by: "graph" | "runtime";
}
