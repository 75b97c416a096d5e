// A registry on loopback that keeps blobs and manifests in memory and misbehaves on request. Only for faults that a real
// registry cannot be made to show; the real one is in test/e2e/registry.heavy.test.ts.

import { digestOf } from "../../src/base/digest.ts";
import { CONFIG_TYPE, MANIFEST_TYPE } from "../../src/models/manifest.ts";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** Answers a request itself, or undefined for the ordinary answer. */
export type Fault = (request: Request, seen: Seen) => Response | Promise<Response | undefined> | undefined;

export interface StandIn extends Disposable {
  readonly host: string;
  readonly origin: string;
  readonly seen: Seen[];
  readonly blobs: Map<string, Uint8Array>;
  readonly manifests: Map<string, string>;
  fault: Fault | undefined;
  /** Puts a model of random layers there; returns its manifest. */
  addModel(path: string, layers: readonly Uint8Array[]): string;
}

export function standIn(): StandIn {
  const seen: Seen[] = [];
  const blobs = new Map<string, Uint8Array>();
  const manifests = new Map<string, string>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    development: false,
    async fetch(request) {
      const path = new URL(request.url).pathname;
      const entry: Seen = {
        method: request.method,
        path,
        range: request.headers.get("range") ?? undefined,
        authorization: request.headers.get("authorization") ?? undefined,
      };
      seen.push(entry);
      return (await self.fault?.(request, entry)) ?? ordinary(request, path, blobs, manifests);
    },
  });
  const self: StandIn = {
    host: `127.0.0.1:${server.port}`,
    origin: `http://127.0.0.1:${server.port}`,
    seen,
    blobs,
    manifests,
    fault: undefined,
    addModel(path, layers) {
      const layer = (mediaType: string, bytes: Uint8Array) => {
        const digest = digestOf(bytes);
        blobs.set(digest, bytes);
        return { mediaType, digest, size: bytes.length };
      };
      const config = layer(CONFIG_TYPE, Buffer.from(`{"model_format":"gguf","of":"${path}"}`));
      const list = layers.map((bytes) => layer("application/vnd.ollama.image.model", bytes));
      // Spaces on purpose: the bytes must be kept, not written anew.
      const text = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config, layers: list }, null, 3);
      manifests.set(path, text);
      return text;
    },
    [Symbol.dispose]() {
      void server.stop(true);
    },
  };
  return self;
}

function ordinary(
  request: Request,
  path: string,
  blobs: ReadonlyMap<string, Uint8Array>,
  manifests: ReadonlyMap<string, string>,
): Response {
  const manifest = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(path);
  const text = manifest === null ? undefined : manifests.get(`${manifest[1]}:${manifest[2]}`);
  if (text !== undefined) return new Response(text, { headers: { "content-type": MANIFEST_TYPE } });
  const digest = /\/blobs\/(sha256:[0-9a-f]{64})$/.exec(path)?.[1];
  const bytes = digest === undefined ? undefined : blobs.get(digest);
  return bytes === undefined ? new Response("not here", { status: 404 }) : rangeOf(request, bytes);
}

/** The bytes, or the part of them that is asked for. */
export function rangeOf(request: Request, bytes: Uint8Array): Response {
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
  if (range === null) return new Response(bytes);
  const [start, end] = [Number(range[1]), Number(range[2])];
  return new Response(bytes.slice(start, end + 1), {
    status: 206,
    headers: { "content-range": `bytes ${start}-${end}/${bytes.length}` },
  });
}
