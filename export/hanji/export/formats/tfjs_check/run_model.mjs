// Runs an exported TF.js graph model on the WebAssembly backend that browsers use, on one thread.
//
//   node run_model.mjs PACKAGES < request.json > response.json
//
// PACKAGES    directory whose node_modules contains TF.js
// request     {"model": directory with model.json,
//              "calls": [{"feeds": {input name: {"shape": […], "data": base64 of little-endian int32}},
//                         "output": output name}, …]}
// response    {"version": "…", "outputs": [base64 of little-endian float32, …], "milliseconds": [number, …]}

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

function loadFrom(directory) {
  const { modelTopology, weightsManifest, ...rest } = JSON.parse(
    readFileSync(path.join(directory, 'model.json'), 'utf8'),
  );
  const shards = weightsManifest.flatMap((group) =>
    group.paths.map((name) => {
      const { buffer, byteOffset, byteLength } = readFileSync(path.join(directory, name));
      return buffer.slice(byteOffset, byteOffset + byteLength);
    }),
  );
  const weightSpecs = weightsManifest.flatMap((group) => group.weights);
  return { load: async () => ({ ...rest, modelTopology, weightSpecs, weightData: shards }) };
}

function tensor(tf, { shape, data }) {
  const bytes = Uint8Array.from(Buffer.from(data, 'base64'));
  return tf.tensor(new Int32Array(bytes.buffer), shape, 'int32');
}

function execute(tf, model, { feeds, output }) {
  return tf.tidy(() => {
    const tensors = Object.fromEntries(
      Object.entries(feeds).map(([name, values]) => [name, tensor(tf, values)]),
    );
    const start = performance.now();
    const { buffer, byteOffset, byteLength } = model.execute(tensors, output).dataSync();
    const milliseconds = performance.now() - start;
    return { values: Buffer.from(buffer, byteOffset, byteLength).toString('base64'), milliseconds };
  });
}

const packages = process.argv[2];
const require = createRequire(path.join(packages, 'package.json'));
const tf = require('@tensorflow/tfjs-core');
const { loadGraphModel } = require('@tensorflow/tfjs-converter');
const wasm = require('@tensorflow/tfjs-backend-wasm');

wasm.setThreadsCount(1);
wasm.setWasmPaths(
  path.join(packages, 'node_modules/@tensorflow/tfjs-backend-wasm/dist') + path.sep,
);
await tf.setBackend('wasm');

const request = JSON.parse(readFileSync(0, 'utf8'));
const model = await loadGraphModel(loadFrom(request.model));
const results = request.calls.map((call) => execute(tf, model, call));
const outputs = results.map(({ values }) => values);
const milliseconds = results.map((result) => result.milliseconds);
process.stdout.write(JSON.stringify({ version: tf.version_core, outputs, milliseconds }));
