// Hostile registries: whatever a manifest says, nothing outside the blobs folder is touched and the process lives.

import { expect, test } from "bun:test";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { layerKind } from "../../src/models/manifest.ts";
import { bytesOf, messageOf, pulling } from "./pulling.ts";
import { rangeOf, standIn } from "./stand-in.ts";

const layerOf = (digest: string, size: unknown = 3, mediaType = "application/vnd.ollama.image.model") => ({
  mediaType,
  digest,
  size,
});
const good = `sha256:${"a".repeat(64)}`;
const manifestOf = (layer: unknown, config: unknown = layerOf(good)) =>
  JSON.stringify({ schemaVersion: 2, config, layers: [layer] });

const digests = [
  "sha256:../../x",
  "sha256:..",
  "../../../etc/passwd",
  "sha256:abc",
  `SHA256:${"a".repeat(64)}`,
  `sha256:${"a".repeat(65)}`,
  `sha256:${"a".repeat(63)}\0`,
  `sha512:${"a".repeat(64)}`,
  "",
  `sha256:${"g".repeat(64)}`,
  `sha256:${"a".repeat(60)}/../x`,
];

const manifests: readonly (readonly [name: string, text: string])[] = [
  ...digests.flatMap((digest) => [
    [`digest ${JSON.stringify(digest)}`, manifestOf(layerOf(digest))] as const,
    [
      `tensor digest ${JSON.stringify(digest)}`,
      manifestOf(layerOf(digest, 3, "application/vnd.ollama.image.tensor")),
    ] as const,
    [`config digest ${JSON.stringify(digest)}`, manifestOf(layerOf(good), layerOf(digest))] as const,
  ]),
  ["no layers", JSON.stringify({ schemaVersion: 2, config: layerOf(good), layers: [] })],
  ["no config", JSON.stringify({ schemaVersion: 2, layers: [layerOf(good)] })],
  ["null", "null"],
  ["null layers", JSON.stringify({ schemaVersion: 2, config: layerOf(good), layers: null })],
  ["null layer", manifestOf(null)],
  ["negative size", manifestOf(layerOf(good, -1))],
  ["huge size", manifestOf(layerOf(good, 2 ** 60))],
  ["fractional size", manifestOf(layerOf(good, 1.5))],
  ["size as text", manifestOf(layerOf(good, "3"))],
  ["not JSON", "<html>"],
  ["deep nesting", "[".repeat(200_000)],
  [
    "a million layers",
    `{"schemaVersion":2,"config":${JSON.stringify(layerOf(good))},"layers":[${"{},".repeat(1e6)}{}]}`,
  ],
];

test.each(manifests)(
  "CVE-2024-37032, CVE-2025-1975, CVE-2025-44779, CVE-2026-7020: a manifest with %s fails and leaves nothing",
  async (_, text) => {
    using server = standIn();
    await using here = await pulling();
    const canary = join(here.home, "x");
    await writeFile(canary, "alive");
    server.fault = (request) => new Response(new URL(request.url).pathname.includes("/manifests/") ? text : "evil");
    expect(await messageOf(here.pull(`${server.host}/me/tiny:1`))).not.toBe("no error");
    expect(await readFile(canary, "utf8")).toBe("alive");
    expect((await readdir(here.home)).sort()).toEqual([".ollama", "x"]);
    expect(await readdir(here.store.blobs.directory)).toEqual([]);
    expect(await here.store.list()).toEqual([]);
  },
);

test("CVE-2024-12886: an endless manifest is cut off", async () => {
  using server = standIn();
  await using here = await pulling();
  const body = () => new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(bytesOf(65_536, 1)) });
  server.fault = () => new Response(body());
  expect(await messageOf(here.pull(`${server.host}/me/tiny:1`))).toMatch(/larger than/);
});

test("CVE-2024-12886: a blob that is longer than announced is not read on", async () => {
  using server = standIn();
  await using here = await pulling();
  server.addModel("me/tiny:1", [bytesOf(100, 1)]);
  const body = () =>
    new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
  server.fault = (_, seen) => (seen.path.includes("/blobs/") ? new Response(body()) : undefined);
  expect(await messageOf(here.pull(`${server.host}/me/tiny:1`))).toMatch(/digest mismatch|where 100 were announced/);
});

test.each(["../x", "a/../../b", "%2e%2e/x", "a\\b", "/etc/passwd", "x".repeat(400), "me/tiny:..", ""])(
  "CVE-2024-37032: %j is no name to pull",
  async (name) => {
    await using here = await pulling();
    expect(await messageOf(here.pull(name))).toBe("invalid model name");
  },
);

test.each(["../../x", "application/vnd.ollama.image.../../x", "text/html\r\nx: y", "", "a".repeat(100_000)])(
  "CVE-2026-7020: the media type %.40j makes no path and no layer of the model",
  async (mediaType) => {
    using server = standIn();
    await using here = await pulling();
    const text = server.addModel("me/tiny:1", [bytesOf(100, 1)]);
    const manifest = JSON.parse(text) as { layers: { mediaType: string }[] };
    for (const layer of manifest.layers) layer.mediaType = mediaType;
    server.manifests.set("me/tiny:1", JSON.stringify(manifest));
    await here.pull(`${server.host}/me/tiny:1`);
    const [model] = await here.store.list();
    expect(model?.manifest.layers.map((layer) => layerKind(layer))).toEqual([undefined]);
    const names = await readdir(here.store.blobs.directory);
    expect(names.filter((name) => !/^sha256-[0-9a-f]{64}$/.test(name))).toEqual([]);
    expect((await readdir(here.home)).sort()).toEqual([".ollama"]);
  },
);

test("CVE-2025-44779: a blob whose bytes are not its digest's deletes nothing that was there", async () => {
  using server = standIn();
  await using here = await pulling();
  const kept = await here.store.blobs.put("kept");
  server.addModel("me/tiny:1", [bytesOf(100, 1)]);
  server.fault = (request, seen) => (seen.path.includes("/blobs/") ? rangeOf(request, bytesOf(100, 2)) : undefined);
  expect(await messageOf(here.pull(`${server.host}/me/tiny:1`))).toMatch(/digest mismatch|announced/);
  expect(await here.store.blobs.readText(kept.digest)).toBe("kept");
});
