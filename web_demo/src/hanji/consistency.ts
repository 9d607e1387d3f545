/**
 * What a JSON Schema cannot say of a manifest: paths are unique and refer to listed files, shapes and dtypes
 * agree.
 */

import type {
  AnyManifest,
  ClassifierManifest,
  FileEntry,
  PictureInput,
  RecommenderManifest,
  TensorInfo,
} from "./manifest.types.ts";
import { mainSignature } from "./signatures.ts";
import { quoted } from "./text.ts";

/** Of an input that takes levels of 0 to 255. */
const LEVEL_DTYPES = ["uint8", "int32", "float32"];
/** Of an input that takes normalized numbers, and of the output; integers have a scale and a zero point. */
const NUMBER_DTYPES = ["float32", "uint8", "int8"];

/** What is wrong, in words, as it is found; the manifest has passed its schema. */
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

/** Every file that is listed: the bundle's own, then each artifact's. */
export function allFiles(manifest: AnyManifest): FileEntry[] {
  return [...manifest.files, ...manifest.artifacts.flatMap(({ files }) => files)];
}

function* recommenderProblems(manifest: RecommenderManifest): Generator<string> {
  const { users, items } = manifest.ids;
  for (const [index, artifact] of manifest.artifacts.entries()) {
    const place = `artifacts[${index}].signatures`;
    const main = mainSignature(artifact);
    if ((main === "catalogue") !== (users !== undefined)) {
      const found = `'${main}' ${users ? "beside" : "without"} ids.users`;
      yield `${place}: expected ids.users beside 'catalogue', and only there, found ${found}`;
    }
    const output = artifact.signatures[main]?.outputs[0];
    if (!output || !isShape(output, [items.count])) {
      const found = output ? listed(output) : "nothing";
      yield `${place}.${main}.outputs[0].shape: expected [${items.count}] (ids.items.count), found ${found}`;
    }
  }
}

function* classifierProblems(manifest: ClassifierManifest): Generator<string> {
  for (const [index, artifact] of manifest.artifacts.entries()) {
    const place = `artifacts[${index}].signatures.classify`;
    const { inputs = [], outputs = [] } = artifact.signatures["classify"] ?? {};
    yield* inputProblems(inputs, manifest.picture, `${place}.inputs`);
    yield* outputProblems(outputs, manifest.labels.count, `${place}.outputs`);
  }
}

function* inputProblems(tensors: TensorInfo[], picture: PictureInput, place: string): Generator<string> {
  const [tensor] = tensors;
  if (!tensor || tensors.length !== 1) {
    yield `${place}: expected one input, found ${tensors.length}`;
    return;
  }
  const rest = [picture.height, picture.width, picture.channels];
  if (!isShape(tensor, [1, ...rest]) && !isShape(tensor, [null, ...rest])) {
    yield `${place}[0].shape: expected [1, ${rest.join(", ")}] as 'picture' says, found ${listed(tensor)}`;
  }
  if (picture.normalized_by === "runtime") {
    yield* numberProblems(tensor, `${place}[0]`);
  } else if (!LEVEL_DTYPES.includes(tensor.dtype)) {
    yield `${place}[0].dtype: expected one of ${LEVEL_DTYPES.join(", ")}, found ${tensor.dtype}`;
  }
}

function* outputProblems([tensor]: TensorInfo[], classes: number, place: string): Generator<string> {
  if (!tensor) return; // the schema asks for at least one
  if (!isShape(tensor, [1, classes]) && !isShape(tensor, [null, classes])) {
    yield `${place}[0].shape: expected [1, ${classes}] (labels.count), found ${listed(tensor)}`;
  }
  yield* numberProblems(tensor, `${place}[0]`);
}

function* numberProblems(tensor: TensorInfo, place: string): Generator<string> {
  if (!NUMBER_DTYPES.includes(tensor.dtype)) {
    yield `${place}.dtype: expected one of ${NUMBER_DTYPES.join(", ")}, found ${tensor.dtype}`;
  } else if (tensor.dtype !== "float32" && (tensor.scale === null || tensor.zero_point === null)) {
    yield `${place}: expected a scale and a zero_point beside the dtype ${tensor.dtype}, found null`;
  }
}

/** Paths and formats; `named` holds, by field, paths of the bundle's own files. */
function* commonProblems(manifest: AnyManifest, named: Record<string, string>): Generator<string> {
  yield* formatProblems(manifest);
  const known = new Set<string>();
  for (const { path } of allFiles(manifest)) {
    const folded = path.toLowerCase(); // one file on systems that ignore case
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
