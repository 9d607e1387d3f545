/** Classifies images with an open bundle: the base class of `Classifier`, without the code that opens one. */

import { EngineError, HanjiError } from "./errors.ts";
import { parseImageGolden, replayImages } from "./image_golden.ts";
import { prepare } from "./images.ts";
import type { Labels } from "./labels.ts";
import { latencyOf, TimedEngine } from "./latency.ts";
import type { ClassifierManifest, ImageInput, Output, TensorInfo } from "./manifest.types.ts";
import type { ClassifierParts } from "./opening.ts";
import { outputOf } from "./output.ts";
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
  readonly #meaning: Output | undefined;
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
    this.#meaning = outputOf(parts.manifest);
  }

  /** How an image is prepared for the model. */
  get imageInput(): ImageInput {
    return this.manifest.picture;
  }

  /**
   * The `k` most probable classes, or all classes if there are fewer. If `manifest.output` is multi-label,
   * labels whose probability reaches their threshold, of which there may be none.
   *
   * ImageError for invalid pixel data; HanjiError if `k` is below 1, if the bundle lacks the language, and
   * for a bundle of values, for which there is `estimate`.
   */
  async classify(
    pixels: types.Pixels,
    k = 5,
    { language }: types.ClassifyOptions = {},
  ): Promise<types.Classification> {
    if (!Number.isSafeInteger(k) || k < 1) throw new HanjiError(`k=${shown(k)}: expected 1 or more`);
    this.#expect("classify");
    const names = this.#labels.inLanguage(language);
    const probabilities = await this.#run(prepare(pixels, this.imageInput));
    const best = this.#reached(topK(probabilities, probabilities.length), probabilities).slice(0, k);
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
   * The values of a bundle whose `manifest.output` is of values, in the order of `labels`.
   *
   * Arguments and errors are those of `classify`, which takes the other bundles.
   */
  async estimate(pixels: types.Pixels, { language }: types.ClassifyOptions = {}): Promise<types.Estimate> {
    this.#expect("estimate");
    const names = this.#labels.inLanguage(language);
    const found = await this.#run(prepare(pixels, this.imageInput));
    const values = this.labels.map((label, index) => ({
      label,
      name: names[index] as string, // as many names, values and units as labels
      value: found[index] as number,
      unit: this.#meaning?.units?.[index] as string,
    }));
    return { values };
  }

  /** Calls `classify`, or `estimate` if that is what the bundle is for. */
  answer(pixels: types.Pixels, k = 5, options: types.ClassifyOptions = {}): Promise<types.Answer> {
    return this.#fitting === "estimate" ? this.estimate(pixels, options) : this.classify(pixels, k, options);
  }

  /**
   * The probability of every class, float32 [classes], in the order of `labels`.
   *
   * `manifest.probabilities` states how they are computed; a wrapped model may output raw values instead.
   * HanjiError for a bundle of values.
   */
  async probabilities(pixels: types.Pixels): Promise<Float32Array> {
    this.#expect("classify");
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

  /** Measures the latency of `answer(pixels, k)`. */
  time(runs: number, pixels: types.Pixels, k = 5): Promise<types.Latency> {
    return latencyOf(() => this.answer(pixels, k), runs, this.#openEngine());
  }

  /** Releases the engine and the model. */
  close(): void {
    this.#engine?.close();
    this.#engine = null;
  }

  get #fitting(): "classify" | "estimate" {
    return this.#meaning?.kind === "values" ? "estimate" : "classify";
  }

  /** HanjiError if the outputs are not for this method. */
  #expect(method: "classify" | "estimate"): void {
    if (method === this.#fitting) return;
    const meaning = method === "classify" ? "values" : "probabilities of classes";
    throw new HanjiError(`a model of ${meaning}; call ${this.#fitting}() instead`);
  }

  /** The labels among `best` whose probability reaches their threshold, or all if there are no thresholds. */
  #reached(best: readonly number[], probabilities: Float32Array): readonly number[] {
    const thresholds = this.#meaning?.thresholds;
    return thresholds
      ? best.filter((index) => (probabilities[index] as number) >= (thresholds[index] as number))
      : best;
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
