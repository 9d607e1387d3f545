/** The scripts: copying bundles, and serving folders like a static host. */

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { LITERT_FILES, TFJS_FILES } from "../../scripts/engine_files.ts";
import { builtFiles } from "../../scripts/service_worker_plugin.ts";
import { placeBundles } from "../../scripts/bundles.mjs";
import { serveFolders } from "../../scripts/static_server.mjs";
import { bundleFolder, hasBundle } from "../bundles.ts";

const folder = mkdtempSync(path.join(tmpdir(), "hanji-scripts-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!hasBundle("digits"))("placeBundles", () => {
  it("copies bundles and lists them with the hash of their manifest", () => {
    const target = path.join(folder, "bundles");
    const entries = placeBundles(target, [["digits", bundleFolder("digits")]]);
    const index = JSON.parse(readFileSync(path.join(target, "index.json"), "utf8"));
    expect(index.bundles).toEqual(entries);
    expect(index.bundles[0]).toMatchObject({
      name: "digits",
      task: "image-classification",
      path: "bundles/digits/",
    });
    const [digest] = readFileSync(path.join(target, "digits/manifest.sha256"), "utf8").split(" ");
    expect(index.bundles[0].manifest_sha256).toBe(digest);
    expect(existsSync(path.join(target, ".digits.new"))).toBe(false);
  });
  it("rejects folders without a bundle and invalid names", () => {
    expect(() => placeBundles(folder, [["empty", folder]])).toThrow(
      /expected a bundle, found no manifest.json/,
    );
    expect(() => placeBundles(folder, [["../up", bundleFolder("digits")]])).toThrow(
      /expected a name of letters/,
    );
  });
});

describe("serveFolders", () => {
  it("serves files with content types and headers, and nothing outside the folders", async () => {
    const inside = path.join(folder, "site");
    cpSync(import.meta.dirname, inside, { recursive: true });
    writeFileSync(path.join(inside, "index.html"), "<p>hello");
    const server = await serveFolders({ "": inside }, { headers: { "X-Test": "yes" } });
    const found = await fetch(server.url);
    expect([found.status, found.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(found.headers.get("x-test")).toBe("yes");
    expect((await fetch(`${server.url}none.html`)).status).toBe(404);
    expect(await status(`${server.url}`, "/../../package.json")).toBe(404);
    expect(await status(`${server.url}`, "/..%2f..%2fpackage.json")).toBe(404);
    await server.close();
  });
});

/** The status of a request for a path that fetch would normalize. */
function status(url: string, path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path }, (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end();
  });
}

describe("builds", () => {
  it("list their files with sizes and hashes, without bundles and the service worker", () => {
    const built = path.join(folder, "built");
    cpSync(bundleFolder("digits"), path.join(built, "bundles/digits"), { recursive: true });
    writeFileSync(path.join(built, "service_worker.js"), "");
    writeFileSync(path.join(built, "a.js"), "abc");
    const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(builtFiles(built)).toEqual([{ path: "a.js", bytes: 3, sha256 }]);
  });
  it("contain engines under paths with the locked versions", () => {
    const lock = JSON.parse(readFileSync(path.join(import.meta.dirname, "../../package-lock.json"), "utf8"));
    const version = (name: string) => lock.packages[`node_modules/${name}`].version;
    expect(TFJS_FILES.folder).toBe(`wasm/tfjs-${version("@tensorflow/tfjs-core")}/`);
    expect(LITERT_FILES.folder).toBe(`wasm/litert-${version("@litertjs/core")}/`);
    for (const { source, names } of [TFJS_FILES, LITERT_FILES]) {
      for (const name of names) expect(existsSync(path.join(source, name)), name).toBe(true);
    }
  });
});
