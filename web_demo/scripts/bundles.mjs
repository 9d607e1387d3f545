// Copies bundles to the folder that the page serves, and writes bundles/index.json.
//
//   node scripts/bundles.mjs [--to FOLDER] [NAME=DIRECTORY …]
//
// FOLDER is public/bundles by default, which is included in builds; it may also be the folder of a finished
// build. Without arguments, the bundles of `make demo` are copied. A full model next to a bundle
// (DIRECTORY/../full) is copied as NAME-full. Each bundle is copied to a temporary folder and then renamed,
// so it is never incomplete.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const DEMO = ["films=../../out/demo/bundle", "digits=../../out/demo-digits/bundle"];
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/** @param {string} folder @param {readonly [string, string][]} bundles name and directory of each */
export function placeBundles(folder, bundles) {
  mkdirSync(folder, { recursive: true });
  const entries = bundles.map(([name, source]) => placed(folder, name, source));
  writeFileSync(path.join(folder, "index.json"), `${JSON.stringify({ bundles: entries }, null, 1)}\n`);
  return entries;
}

function placed(folder, name, source) {
  if (!NAME.test(name)) throw new Error(`${name}: expected a name of letters, digits, '_', '.' and '-'`);
  const manifest = path.join(source, "manifest.json");
  if (!existsSync(manifest)) {
    throw new Error(
      `${source}: expected a bundle, found no manifest.json; run \`make demo\`, or give NAME=DIRECTORY`,
    );
  }
  const [target, temporary] = [path.join(folder, name), path.join(folder, `.${name}.new`)];
  rmSync(temporary, { recursive: true, force: true });
  cpSync(source, temporary, { recursive: true });
  rmSync(target, { recursive: true, force: true });
  renameSync(temporary, target);
  const content = readFileSync(manifest);
  const { task, artifacts } = JSON.parse(content.toString("utf8"));
  const digest = createHash("sha256").update(content).digest("hex");
  const formats = artifacts.map(({ format }) => format);
  return { name, task, path: `bundles/${name}/`, manifest_sha256: digest, formats };
}

/** The bundle, and the full model that `hanji build` wrote next to it, for comparison. */
function withFull([name, source]) {
  const full = path.join(source, "..", "full");
  return existsSync(path.join(full, "manifest.json"))
    ? [
        [name, source],
        [`${name}-full`, full],
      ]
    : [[name, source]];
}

function main(args) {
  const at = args.indexOf("--to");
  const folder = at < 0 ? path.join(HERE, "../public/bundles") : path.resolve(args[at + 1] ?? ".");
  const given = at < 0 ? args : args.toSpliced(at, 2);
  const demo = DEMO.map((each) => each.replace("=", `=${HERE}${path.sep}`));
  const bundles = (given.length ? given : demo).map((argument) => {
    const equals = argument.indexOf("=");
    return [argument.slice(0, equals), path.resolve(argument.slice(equals + 1))];
  });
  for (const { path: location, task } of placeBundles(folder, bundles.flatMap(withFull)))
    console.log(`${location} (${task})`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    console.error(`bundles: ${error.message}`);
    process.exit(1);
  }
}
