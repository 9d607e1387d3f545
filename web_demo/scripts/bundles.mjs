// Copies bundles to where the page serves them and writes bundles/index.json.
//
//   node scripts/bundles.mjs [--to FOLDER] [NAME=DIRECTORY …]
//
// FOLDER is public/bundles, from which a build takes them, unless it is given; a folder of a finished build
// does as well. Without bundles it takes those of `make demo`. A full model beside a bundle
// (DIRECTORY/../full) comes along as NAME-full. Each is copied aside, then renamed: a bundle is whole or it
// is not there.

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
  const [target, aside] = [path.join(folder, name), path.join(folder, `.${name}.new`)];
  rmSync(aside, { recursive: true, force: true });
  cpSync(source, aside, { recursive: true });
  rmSync(target, { recursive: true, force: true });
  renameSync(aside, target);
  const content = readFileSync(manifest);
  const { task, artifacts } = JSON.parse(content.toString("utf8"));
  const digest = createHash("sha256").update(content).digest("hex");
  const formats = artifacts.map(({ format }) => format);
  return { name, task, path: `bundles/${name}/`, manifest_sha256: digest, formats };
}

/** The bundle, and the full model that `hanji build` left beside it, to compare the two. */
function withFull([name, source]) {
  const full = path.join(source, "..", "full");
  return existsSync(path.join(full, "manifest.json"))
    ? [
        [name, source],
        [`${name}-full`, full],
      ]
    : [[name, source]];
}

function main(words) {
  const at = words.indexOf("--to");
  const folder = at < 0 ? path.join(HERE, "../public/bundles") : path.resolve(words[at + 1] ?? ".");
  const given = at < 0 ? words : words.toSpliced(at, 2);
  const demo = DEMO.map((each) => each.replace("=", `=${HERE}${path.sep}`));
  const bundles = (given.length ? given : demo).map((word) => {
    const equals = word.indexOf("=");
    return [word.slice(0, equals), path.resolve(word.slice(equals + 1))];
  });
  for (const { path: place, task } of placeBundles(folder, bundles.flatMap(withFull)))
    console.log(`${place} (${task})`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    console.error(`bundles: ${error.message}`);
    process.exit(1);
  }
}
