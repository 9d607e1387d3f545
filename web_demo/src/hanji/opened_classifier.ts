/** Says what pictures show, from an open bundle: what `Classifier` is, but for how it is opened. */

import { EngineError, HanjiError } from "./errors.ts";
import type { Labels } from "./labels.ts";
import type { ClassifierManifest, PictureInput, TensorInfo } from "./manifest.types.ts";
import type { ClassifierParts } from "./opening.ts";
import { parsePictureGolden, replayPictures } from "./picture_golden.ts";
import { prepare } from "./pictures.ts";
import { checkedSignature } from "./signatures.ts";
import { latencyOf, Stopwatch } from "./stopwatch.ts";
import { areFinite, dequantized, PictureTensor, probabilitiesOf } from "./tensors.ts";
import { shown } from "./text.ts";
import { topK } from "./top_k.ts";
import type * as types from "./types.ts";

export class OpenedClassifier {
  readonly manifest: ClassifierManifest;
  readonly placement: types.Placement;
  readonly opening: types.Opening;
  /** The names of the classes. */
  readonly labels: readonly string[];
  /** The names of the classes in other languages, by language tag, such as "ko". */
  readonly names: Record<string, readonly string[]>;
  readonly #parts: ClassifierParts;
  readonly #labels: Labels;
  readonly #input: TensorInfo;
  readonly #output: TensorInfo;
  readonly #tensor: PictureTensor;
  #engine: Stopwatch | null;

  constructor(parts: ClassifierParts) {
    const { inputs, outputs } = checkedSignature(parts.artifact, "classify");
    this.#parts = parts;
    this.#engine = new Stopwatch(parts.engine);
    this.manifest = parts.manifest;
    this.placement = parts.engine.placement;
    this.opening = parts.opening;
    this.#labels = parts.labels;
    this.labels = parts.labels.values;
    this.names = parts.labels.names;
    // The schema asks for one of each
    [this.#input, this.#output] = [inputs[0], outputs[0]] as [TensorInfo, TensorInfo];
    this.#tensor = new PictureTensor(this.picture, this.#input);
  }

  /** What becomes of a picture before the model sees it. */
  get picture(): PictureInput {
    return this.manifest.picture;
  }

  /**
   * The `k` most probable classes, or all of them where there are fewer.
   *
   * PictureError for pixels that are none, HanjiError for a `k` below 1 or a language that the bundle does
   * not have.
   */
  async classify(
    pixels: types.Pixels,
    k = 5,
    { language }: types.ClassifyOptions = {},
  ): Promise<types.Classification> {
    if (!Number.isSafeInteger(k) || k < 1) throw new HanjiError(`k=${shown(k)}: expected 1 or more`);
    const names = this.#labels.inLanguage(language);
    const found = await this.probabilities(pixels);
    const best = topK(found, Math.min(k, found.length));
    const predictions = best.map((index, place) => ({
      rank: place + 1,
      label: this.labels[index] as string, // as many labels as probabilities
      name: names[index] as string,
      probability: found[index] as number,
      index,
    }));
    return { predictions };
  }

  /**
   * The probability of every class, float32 [classes], in the order of `labels`.
   *
   * What they are worth `manifest.probabilities` says: a wrapped model's may be no probabilities.
   */
  async probabilities(pixels: types.Pixels): Promise<Float32Array> {
    return this.#run(prepare(pixels, this.picture));
  }

  /** Replays golden.json and compares; it fails, too, if this artifact was not run at export. */
  async selfTest(): Promise<types.SelfTest> {
    const { bundle, artifact } = this.#parts;
    const file = bundle.file(this.manifest.golden);
    const content = (await bundle.read([file])).get(file.path) ?? new Uint8Array();
    const golden = parsePictureGolden(content, this.picture, this.labels.length, file.path);
    return replayPictures(golden, artifact.format, this.picture, (image) => this.#run(image));
  }

  /** Times `classify(pixels, k)`. */
  time(runs: number, pixels: types.Pixels, k = 5): Promise<types.Latency> {
    return latencyOf(() => this.classify(pixels, k), runs, this.#open());
  }

  /** Lets go of the engine and the model. */
  close(): void {
    this.#engine?.close();
    this.#engine = null;
  }

  /** Probabilities, float32 [classes], of a prepared picture, uint8 [height, width, channels]. */
  async #run(levels: Uint8Array<ArrayBuffer>): Promise<Float32Array> {
    const { engine, version } = this.placement;
    const outputs = await this.#open().run("classify", { [this.#input.name]: this.#tensor.of(levels) });
    const classes = this.labels.length;
    if (outputs.shape.length !== 2 || outputs.shape[0] !== 1 || outputs.shape[1] !== classes) {
      throw new EngineError(
        `${engine}: expected outputs of shape [1, ${classes}], found [${outputs.shape.join(", ")}]`,
      );
    }
    const found = dequantized(outputs.data, this.#output);
    if (!areFinite(found)) {
      throw new EngineError(
        `${engine} ${version}: an output is not a finite number; replay the self-test, ` +
          "then export the bundle again",
      );
    }
    return probabilitiesOf(found, this.manifest.probabilities);
  }

  #open(): Stopwatch {
    if (!this.#engine) throw new HanjiError("this Classifier is closed; open the bundle again");
    return this.#engine;
  }
}
