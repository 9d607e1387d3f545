/** Classifies images with an open bundle: the base class of `Classifier`, without the code that opens one. */

import { EngineError, HanjiError } from "./errors.ts";
import { parseImageGolden, replayImages } from "./image_golden.ts";
import { prepare } from "./images.ts";
import type { Labels } from "./labels.ts";
import { latencyOf, TimedEngine } from "./latency.ts";
import type { ClassifierManifest, ImageInput, TensorInfo } from "./manifest.types.ts";
import type { ClassifierParts } from "./opening.ts";
import { checkedSignature } from "./signatures.ts";
import { areFinite, dequantized, ImageTensor, probabilitiesOf } from "./tensors.ts";
import { shown } from "./text.ts";
import { topK } from "./top_k.ts";
import type * as types from "./types.ts";

export class OpenedClassifier {
  readonly manifest: ClassifierManifest;
  readonly placement: types.Placement;
  readonly opening: types.Opening;
  /** Class names. */
  readonly labels: readonly string[];
  /** Class names in other languages, by language tag, such as "ko". */
  readonly names: Record<string, readonly string[]>;
  readonly #parts: ClassifierParts;
  readonly #labels: Labels;
  readonly #input: TensorInfo;
  readonly #output: TensorInfo;
  readonly #tensor: ImageTensor;
  #engine: TimedEngine | null;

  constructor(parts: ClassifierParts) {
    const { inputs, outputs } = checkedSignature(parts.artifact, "classify");
    this.#parts = parts;
    this.#engine = new TimedEngine(parts.engine);
    this.manifest = parts.manifest;
    this.placement = parts.engine.placement;
    this.opening = parts.opening;
    this.#labels = parts.labels;
    this.labels = parts.labels.values;
    this.names = parts.labels.names;
    // The schema requires at least one of each
    [this.#input, this.#output] = [inputs[0], outputs[0]] as [TensorInfo, TensorInfo];
    this.#tensor = new ImageTensor(this.imageInput, this.#input);
  }

  /** How an image is prepared for the model. */
  get imageInput(): ImageInput {
    return this.manifest.picture;
  }

  /**
   * The `k` most probable classes, or all classes if there are fewer.
   *
   * ImageError for invalid pixel data; HanjiError if `k` is below 1 or the bundle lacks the language.
   */
  async classify(
    pixels: types.Pixels,
    k = 5,
    { language }: types.ClassifyOptions = {},
  ): Promise<types.Classification> {
    if (!Number.isSafeInteger(k) || k < 1) throw new HanjiError(`k=${shown(k)}: expected 1 or more`);
    const names = this.#labels.inLanguage(language);
    const probabilities = await this.probabilities(pixels);
    const best = topK(probabilities, Math.min(k, probabilities.length));
    const predictions = best.map((index, position) => ({
      rank: position + 1,
      label: this.labels[index] as string, // as many labels as probabilities
      name: names[index] as string,
      probability: probabilities[index] as number,
      index,
    }));
    return { predictions };
  }

  /**
   * The probability of every class, float32 [classes], in the order of `labels`.
   *
   * `manifest.probabilities` states how they are computed; a wrapped model may output raw values instead.
   */
  async probabilities(pixels: types.Pixels): Promise<Float32Array> {
    return this.#run(prepare(pixels, this.imageInput));
  }

  /** Replays golden.json and compares the outputs; also fails if this artifact did not run at export. */
  async selfTest(): Promise<types.SelfTest> {
    const { bundle, artifact } = this.#parts;
    const file = bundle.file(this.manifest.golden);
    const content = (await bundle.read([file])).get(file.path) ?? new Uint8Array();
    const golden = parseImageGolden(content, this.imageInput, this.labels.length, file.path);
    return replayImages(golden, artifact.format, this.imageInput, (image) => this.#run(image));
  }

  /** Measures the latency of `classify(pixels, k)`. */
  time(runs: number, pixels: types.Pixels, k = 5): Promise<types.Latency> {
    return latencyOf(() => this.classify(pixels, k), runs, this.#openEngine());
  }

  /** Releases the engine and the model. */
  close(): void {
    this.#engine?.close();
    this.#engine = null;
  }

  /** Probabilities, float32 [classes], of a prepared image, uint8 [height, width, channels]. */
  async #run(image: Uint8Array<ArrayBuffer>): Promise<Float32Array> {
    const { engine, version } = this.placement;
    const outputs = await this.#openEngine().run("classify", { [this.#input.name]: this.#tensor.of(image) });
    const classes = this.labels.length;
    if (outputs.shape.length !== 2 || outputs.shape[0] !== 1 || outputs.shape[1] !== classes) {
      throw new EngineError(
        `${engine}: expected outputs of shape [1, ${classes}], found [${outputs.shape.join(", ")}]`,
      );
    }
    const values = dequantized(outputs.data, this.#output);
    if (!areFinite(values)) {
      throw new EngineError(
        `${engine} ${version}: an output is not a finite number; replay the self-test, ` +
          "then export the bundle again",
      );
    }
    return probabilitiesOf(values, this.manifest.probabilities);
  }

  #openEngine(): TimedEngine {
    if (!this.#engine) throw new HanjiError("this Classifier is closed; open the bundle again");
    return this.#engine;
  }
}
