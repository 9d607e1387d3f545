/** Checks of a TF.js graph model before TF.js reads it: its structure and operators. */

import { tfjs } from "../../../../export/hanji/export/formats/operators.json";
import { EngineError } from "../errors.ts";
import { Table } from "../json_table.ts";

const KNOWN = new Set<string>(tfjs);

/**
 * The description in `content`, the bytes of model.json. BundleError if it is malformed, EngineError for an
 * operator that no bundle may contain, or a function, which is another graph.
 */
export function checkedTfjs(content: Uint8Array, path: string): Record<string, unknown> {
  const model = Table.parse(content, path);
  const topology = model.table("modelTopology");
  const nodes = topology.tables("node");
  const names = new Set(nodes.map((node) => node.text("name")));
  for (const node of nodes) {
    const operator = node.text("op");
    if (!KNOWN.has(operator)) throw refusal(path, `the operator ${operator}`);
    for (const input of node.has("input") ? node.texts("input") : []) {
      const source = input.replace(/^\^|:\d+$/g, "");
      if (!names.has(source)) node.fail("input", "the names of other nodes");
    }
  }
  if (topology.has("library") && topology.table("library").keys.length) throw refusal(path, "a function");
  for (const part of model.tables("weightsManifest")) {
    part.texts("paths");
    for (const weight of part.tables("weights")) checkWeight(weight);
  }
  return model.fields;
}

/** Elements of a weight: 1 GiB of float32. */
const LARGEST = 2 ** 28;

function checkWeight(weight: Table): void {
  weight.text("name");
  const dtype = weight.text("dtype");
  if (!["float32", "int32", "bool"].includes(dtype)) weight.fail("dtype", "float32, int32 or bool");
  const shape = weight.array("shape");
  const isShape = shape.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
  if (!isShape || (shape as number[]).reduce((total, size) => total * size, 1) > LARGEST) {
    weight.fail("shape", `sizes of at most ${LARGEST} elements`);
  }
}

function refusal(path: string, found: string): EngineError {
  return new EngineError(
    `${path}: it contains ${found}, which no bundle may; ` +
      "build the model without it, and export the bundle again",
  );
}
