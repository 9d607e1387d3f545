/**
 * Serves the built page; tests can stop the server, restart it on the same port, and replace files.
 */

import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { HEADERS } from "../../src/policy.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

export class Site {
  /** Requested paths since the last `reset`, in order, such as "bundles/index.json". */
  requests: string[] = [];
  private readonly overrides = new Map<string, Buffer>();
  private server: Server | null = null;
  private port = 0;

  /** `page`: folder of a build. `bundles`: folder that is served as bundles/. */
  constructor(
    private readonly page: string,
    private readonly bundles: string,
  ) {}

  get url(): string {
    return `http://localhost:${this.port}/`;
  }

  async start(): Promise<this> {
    const server = createServer((request, response) => this.respond(request, response));
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
    return this;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = null;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  /** The current content of `name`. */
  content(name: string): Buffer {
    return this.overrides.get(name) ?? readFileSync(this.file(name));
  }

  has(name: string): boolean {
    const file = this.file(name);
    return this.overrides.has(name) || (existsSync(file) && statSync(file).isFile());
  }

  /** Replaces the content of `name`. */
  serve(name: string, content: Buffer | string): void {
    this.overrides.set(name, Buffer.from(content));
  }

  /** Removes all replacements and clears `requests`. */
  reset(): void {
    this.overrides.clear();
    this.requests = [];
  }

  private file(name: string): string {
    const inBundles = name.startsWith("bundles/");
    return inBundles ? path.join(this.bundles, name.slice("bundles/".length)) : path.join(this.page, name);
  }

  private respond(request: IncomingMessage, response: ServerResponse): void {
    const requested =
      decodeURIComponent(new URL(request.url ?? "/", this.url).pathname.slice(1)) || "index.html";
    this.requests.push(requested);
    if (!this.has(requested)) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[path.extname(requested)] ?? "application/octet-stream";
    response
      .writeHead(200, { ...HEADERS, "content-type": type, "cache-control": "no-cache" })
      .end(this.content(requested));
  }
}
