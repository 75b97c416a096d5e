// Pushes: what is asked of the registry and in which order, and what happens when it fails halfway.

import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { digestOf } from "../../src/base/digest.ts";
import { type Manifest, CONFIG_TYPE, encodeManifest } from "../../src/models/manifest.ts";
import { ModelName } from "../../src/models/name.ts";
import { uploadPartBytes } from "../../src/registry/upload.ts";
import { bytesOf, messageOf, pulling, type Pulling } from "./pulling.ts";
import { standIn } from "./stand-in.ts";

const weights = bytesOf(300_000, 8);

async function storeModel({ store }: Pulling, name: string, from?: string): Promise<string> {
  const layer = await store.blobs.put(weights);
  const config = await store.blobs.put("{}");
  const manifest: Manifest = {
    config: { mediaType: CONFIG_TYPE, digest: config.digest, size: config.size },
    layers: [
      {
        mediaType: "application/vnd.ollama.image.model",
        digest: layer.digest,
        size: layer.size,
        ...(from === undefined ? {} : { from }),
      },
    ],
  };
  await store.write(ModelName.parse(name), manifest);
  return encodeManifest(manifest);
}

/** The upload half of a registry: sessions with an offset, closed by a digest. */
function uploads(options: { failFirstPatch?: boolean; redirectTo?: string; mounts?: boolean } = {}) {
  const received = new Map<string, Uint8Array>();
  const manifests = new Map<string, string>();
  const log: string[] = [];
  const sessions = new Map<string, Uint8Array[]>();
  let patches = 0;
  const answer = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const { method } = request;
    log.push(`${method} ${url.pathname}${url.searchParams.has("mount") ? "?mount" : ""}`);
    const id = url.searchParams.get("id") ?? "";
    const location = `/v2/me/tiny/blobs/uploads/one?id=${id === "" ? sessions.size : id}`;
    if (method === "HEAD")
      return new Response(null, { status: received.has(url.pathname.split("/").at(-1) ?? "") ? 200 : 404 });
    if (method === "POST") {
      if (options.mounts === true && url.searchParams.has("mount")) return new Response(null, { status: 201 });
      sessions.set(String(sessions.size), []);
      return new Response(null, {
        status: 202,
        headers: { location: `/v2/me/tiny/blobs/uploads/one?id=${sessions.size - 1}` },
      });
    }
    if (method === "PATCH") {
      const bytes = new Uint8Array(await request.arrayBuffer());
      if (options.failFirstPatch === true && patches++ === 0) return new Response("broken", { status: 500 });
      if (options.redirectTo !== undefined)
        return new Response(null, {
          status: 307,
          headers: { location: options.redirectTo, "docker-upload-location": location },
        });
      sessions.get(id)?.push(bytes);
      return new Response(null, { status: 202, headers: { location } });
    }
    if (method === "PUT" && url.pathname.includes("/manifests/")) {
      manifests.set(url.pathname, await request.text());
      return new Response(null, { status: 201 });
    }
    if (method === "PUT") {
      const bytes = Buffer.concat(sessions.get(id) ?? []);
      const digest = url.searchParams.get("digest") ?? "";
      log.push(`etag ${url.searchParams.get("etag")}`);
      if (options.redirectTo === undefined && digestOf(bytes) !== digest)
        return new Response("digest", { status: 400 });
      received.set(digest, bytes);
      return new Response(null, { status: 201 });
    }
    return new Response(null, { status: 404 });
  };
  return { answer, received, manifests, log };
}

async function push({ registry }: Pulling, name: string): Promise<(string | undefined)[]> {
  const lines: (string | undefined)[] = [];
  for await (const line of registry.push(name, true, new AbortController().signal)) lines.push(line.status);
  return [...new Set(lines)];
}

const md5 = (...parts: (Uint8Array | Buffer)[]) => {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

test("a push asks as Ollama asks, sends each blob, then the manifest's own bytes", async () => {
  using server = standIn();
  await using here = await pulling();
  const registry = uploads();
  server.fault = registry.answer;
  const name = `${server.host}/me/tiny:1`;
  const manifest = await storeModel(here, name);
  const short = digestOf(weights).slice(7, 19);
  const config = digestOf("{}").slice(7, 19);
  expect(await push(here, name)).toEqual([
    "retrieving manifest",
    `pushing ${short}`,
    `pushing ${config}`,
    "pushing manifest",
    "success",
  ]);
  const once = ["PATCH /v2/me/tiny/blobs/uploads/one", "PUT /v2/me/tiny/blobs/uploads/one"];
  const etag = `etag ${md5(md5(weights)).toString("hex")}-1`;
  expect(registry.log.slice(0, 5)).toEqual([
    `HEAD /v2/me/tiny/blobs/${digestOf(weights)}`,
    "POST /v2/me/tiny/blobs/uploads/",
    ...once,
    etag,
  ]);
  expect(registry.received.get(digestOf(weights))).toEqual(Buffer.from(weights));
  expect(registry.manifests.get("/v2/me/tiny/manifests/1")).toBe(manifest);
  registry.log.length = 0;
  await push(here, name);
  expect(registry.log.filter((line) => line.startsWith("P"))).toEqual(["PUT /v2/me/tiny/manifests/1"]);
});

test("a part that fails is sent again", async () => {
  using server = standIn();
  await using here = await pulling();
  const registry = uploads({ failFirstPatch: true });
  server.fault = registry.answer;
  await storeModel(here, `${server.host}/me/tiny:1`);
  await push(here, `${server.host}/me/tiny:1`);
  expect(registry.received.get(digestOf(weights))).toEqual(Buffer.from(weights));
});

test("parts go where a 307 points, without credentials", async () => {
  using server = standIn();
  using storage = standIn();
  await using here = await pulling({ OLLAMA_REGISTRY_ALLOW: storage.host });
  const registry = uploads({ redirectTo: `${storage.origin}/bucket` });
  server.fault = registry.answer;
  const stored: Uint8Array[] = [];
  storage.fault = async (request) => {
    stored.push(new Uint8Array(await request.arrayBuffer()));
    return new Response(null);
  };
  await storeModel(here, `${server.host}/me/tiny:1`);
  await push(here, `${server.host}/me/tiny:1`);
  expect(stored.map((bytes) => digestOf(bytes))).toEqual([digestOf(weights), digestOf("{}")]);
  expect(storage.seen.every((seen) => seen.authorization === undefined && seen.method === "PUT")).toBe(true);
});

test("a layer taken from another model is mounted instead of sent", async () => {
  using server = standIn();
  await using here = await pulling();
  const registry = uploads({ mounts: true });
  server.fault = registry.answer;
  await storeModel(here, `${server.host}/me/tiny:1`, "base:latest");
  await push(here, `${server.host}/me/tiny:1`);
  expect(registry.log).toContain("POST /v2/me/tiny/blobs/uploads/?mount");
  expect(registry.received.has(digestOf(weights))).toBe(false);
});

test("a model that is not here and a name that is none fail inside the stream", async () => {
  await using here = await pulling();
  const path = here.store.manifestPath(ModelName.parse("127.0.0.1:9/lib/x"));
  expect(await messageOf(push(here, "127.0.0.1:9/lib/x"))).toBe(`open ${path}: no such file or directory`);
  expect(await messageOf(push(here, "../x"))).toBe("unqualified name: registry.ollama.ai/../x:latest");
});

test("parts are sized as Ollama sizes them", () => {
  expect([1e6, 1.6e9, 4e9, 40e9].map(uploadPartBytes)).toEqual([100e6, 100e6, 250e6, 1000e6]);
});
