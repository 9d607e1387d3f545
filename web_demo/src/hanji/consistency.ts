/**
 * Checks of a manifest that a JSON Schema cannot express: paths are unique and refer to listed files, shapes
 * and dtypes agree.
 */

import type {
  AnyManifest,
  ClassifierManifest,
  FileEntry,
  ImageInput,
  RecommenderManifest,
  TensorInfo,
} from "./manifest.types.ts";
import { outputProblems } from "./output.ts";
import { mainSignature } from "./signatures.ts";
import { quoted } from "./text.ts";

/** Dtypes of an input that takes raw pixel values, 0 to 255. */
const PIXEL_DTYPES = ["uint8", "int32", "float32"];
/** Dtypes of a normalized input and of the output; the integer dtypes have a scale and a zero point. */
const REAL_DTYPES = ["float32", "uint8", "int8"];

/** Yields a message for each inconsistency of a manifest that conforms to the schema. */
export function* consistencyProblems(manifest: AnyManifest): Generator<string> {
  if (manifest.task === "recommendation") {
    yield* recommenderProblems(manifest);
    const { users, items } = manifest.ids;
    const named = { ...(users && { "ids.users.path": users.path }), "ids.items.path": items.path };
    yield* commonProblems(manifest, named);
  } else {
    yield* classifierProblems(manifest);
    yield* commonProblems(manifest, { "labels.path": manifest.labels.path });
  }
}

/** All files of the bundle: its own files, then those of each artifact. */
export function allFiles(manifest: AnyManifest): FileEntry[] {
  return [...manifest.files, ...manifest.artifacts.flatMap(({ files }) => files)];
}

function* recommenderProblems(manifest: RecommenderManifest): Generator<string> {
  const { users, items } = manifest.ids;
  for (const [index, artifact] of manifest.artifacts.entries()) {
    const where = `artifacts[${index}].signatures`;
    const main = mainSignature(artifact);
    if ((main === "catalogue") !== (users !== undefined)) {
      const found = `'${main}' ${users ? "with" : "without"} ids.users`;
      yield `${where}: expected ids.users if and only if there is a signature 'catalogue', found ${found}`;
    }
    const output = artifact.signatures[main]?.outputs[0];
    if (!output || !isShape(output, [items.count])) {
      const found = output ? listed(output) : "nothing";
      yield `${where}.${main}.outputs[0].shape: expected [${items.count}] (ids.items.count), found ${found}`;
    }
  }
}

function* classifierProblems(manifest: ClassifierManifest): Generator<string> {
  for (const [index, artifact] of manifest.artifacts.entries()) {
    const where = `artifacts[${index}].signatures.classify`;
    const { inputs = [], outputs = [] } = artifact.signatures["classify"] ?? {};
    yield* inputProblems(inputs, manifest.picture, `${where}.inputs`);
    yield* tensorProblems(outputs, manifest.labels.count, `${where}.outputs`);
  }
  yield* outputProblems(manifest);
}

function* inputProblems(tensors: TensorInfo[], imageInput: ImageInput, where: string): Generator<string> {
  const [tensor] = tensors;
  if (!tensor || tensors.length !== 1) {
    yield `${where}: expected one input, found ${tensors.length}`;
    return;
  }
  const rest = [imageInput.height, imageInput.width, imageInput.channels];
  if (!isShape(tensor, [1, ...rest]) && !isShape(tensor, [null, ...rest])) {
    const expected = `[1, ${rest.join(", ")}] as specified by 'picture'`;
    yield `${where}[0].shape: expected ${expected}, found ${listed(tensor)}`;
  }
  if (imageInput.normalized_by === "runtime") {
    yield* realTensorProblems(tensor, `${where}[0]`);
  } else if (!PIXEL_DTYPES.includes(tensor.dtype)) {
    yield `${where}[0].dtype: expected one of ${PIXEL_DTYPES.join(", ")}, found ${tensor.dtype}`;
  }
}

function* tensorProblems([tensor]: TensorInfo[], classes: number, where: string): Generator<string> {
  if (!tensor) return; // the schema requires at least one
  if (!isShape(tensor, [1, classes]) && !isShape(tensor, [null, classes])) {
    yield `${where}[0].shape: expected [1, ${classes}] (labels.count), found ${listed(tensor)}`;
  }
  yield* realTensorProblems(tensor, `${where}[0]`);
}

function* realTensorProblems(tensor: TensorInfo, where: string): Generator<string> {
  if (!REAL_DTYPES.includes(tensor.dtype)) {
    yield `${where}.dtype: expected one of ${REAL_DTYPES.join(", ")}, found ${tensor.dtype}`;
  } else if (tensor.dtype !== "float32" && (tensor.scale === null || tensor.zero_point === null)) {
    yield `${where}: expected a scale and a zero_point for dtype ${tensor.dtype}, found null`;
  }
}

/** Checks paths and formats; `named` maps manifest fields to paths of the bundle's own files. */
function* commonProblems(manifest: AnyManifest, named: Record<string, string>): Generator<string> {
  yield* formatProblems(manifest);
  const known = new Set<string>();
  for (const { path } of allFiles(manifest)) {
    const folded = path.toLowerCase(); // the same file on case-insensitive file systems
    if (known.has(folded)) yield `the path ${quoted(path)} is listed twice`;
    known.add(folded);
  }
  const own = new Set(manifest.files.map(({ path }) => path));
  for (const [field, path] of Object.entries({ ...named, golden: manifest.golden })) {
    if (!own.has(path)) yield `${field}: ${quoted(path)} is not among the bundle's files`;
  }
}

function* formatProblems({ artifacts }: AnyManifest): Generator<string> {
  const formats = artifacts.map(({ format }) => format);
  if (new Set(formats).size !== formats.length) {
    yield `artifacts: expected one artifact per format, found ${formats.join(", ")}`;
  }
  for (const [index, { files, signatures }] of artifacts.entries()) {
    for (const [name, { path }] of Object.entries(signatures)) {
      if (files.some((file) => file.path === path)) continue;
      yield `artifacts[${index}].signatures.${name}.path: ${quoted(path)} is not among the artifact's files`;
    }
  }
}

function isShape({ shape }: TensorInfo, expected: readonly (number | null)[]): boolean {
  return shape.length === expected.length && shape.every((size, axis) => size === expected[axis]);
}

function listed({ shape }: TensorInfo): string {
  return `[${shape.map(String).join(", ")}]`;
}
