// OLLAMA_SHARE_REGISTRY: the read side of a registry. What it serves is what manifests name, to who may only read.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { digestOf } from "../../src/base/digest.ts";
import { MANIFEST_TYPE } from "../../src/models/manifest.ts";
import { ModelName } from "../../src/models/name.ts";
import { messageOf, pulling } from "../registry/pulling.ts";
import { create, upload } from "../models/temp-store.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";
import { type TestApp, testApp } from "./test-app.ts";

const weights = tinyGguf("llama");
const digest = digestOf(weights);
const blobPath = `/v2/library/tiny/blobs/${digest}`;
let app: TestApp;

/** The app behind a port, for who pulls. */
function forwarding(to: TestApp) {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch({ url, method, headers }) {
      const { pathname, search } = new URL(url);
      return to.fetch(pathname + search, { method, headers: [...headers].filter(([name]) => name !== "host") });
    },
  });
}

beforeAll(async () => {
  app = await testApp({ env: { OLLAMA_SHARE_REGISTRY: "1" } });
  for (const name of ["tiny", "tiny:small", "tiny:big", "hf.co/some/repo:Q4_K_M"])
    await create(app.store, { model: name, files: { "m.gguf": await upload(app.store, weights) } });
});

afterAll(() => app[Symbol.asyncDispose]());

test("without the setting nothing is served, and who pulls is told how it is turned on", async () => {
  await using closed = await testApp();
  await closed.addModel("tiny", "llama");
  for (const path of ["/v2/", "/v2/library/tiny/manifests/latest", "/v2/library/tiny/tags/list", blobPath])
    expect((await closed.fetch(path)).status).toBe(403);
  using server = forwarding(closed);
  await using here = await pulling();
  expect(await messageOf(here.pull(`127.0.0.1:${server.port}/library/tiny`))).toBe(
    "pull model manifest: 403: this server does not share its models; start it with OLLAMA_SHARE_REGISTRY=1",
  );
});

test("the version check, with and without a body", async () => {
  const answer = await app.fetch("/v2/");
  expect([answer.status, answer.headers.get("docker-distribution-api-version")]).toEqual([200, "registry/2.0"]);
  expect((await app.fetch("/v2/", { method: "HEAD" })).status).toBe(200);
});

test("a manifest comes byte for byte, by tag in any letter case and by digest", async () => {
  const bytes = await readFile(app.store.manifestPath(ModelName.parse("tiny")));
  for (const reference of ["latest", "LATEST", digestOf(bytes)]) {
    const answer = await app.fetch(`/v2/library/tiny/manifests/${reference}`);
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(bytes);
    expect(answer.headers.get("content-type")).toBe(MANIFEST_TYPE);
    expect(answer.headers.get("docker-content-digest")).toBe(digestOf(bytes));
  }
  const head = await app.fetch("/v2/library/tiny/manifests/latest", { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, String(bytes.length), ""]);
});

test("models of other registries are there under their namespace", async () => {
  expect((await app.fetch("/v2/some/repo/manifests/Q4_K_M")).status).toBe(200);
});

test.each([
  [undefined, 200, 0, weights.length],
  ["bytes=0-0", 206, 0, 1],
  ["bytes=100-199", 206, 100, 200],
  ["bytes=100-", 206, 100, weights.length],
  ["bytes=-50", 206, weights.length - 50, weights.length],
  ["bytes=10-99999999999", 206, 10, weights.length],
])("a blob by %s", async (range, status, start, end) => {
  const answer = await app.fetch(blobPath, range === undefined ? {} : { headers: { range } });
  expect([answer.status, answer.headers.get("content-length")]).toEqual([status, String(end - start)]);
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.from(weights.subarray(start, end)));
  const shown = status === 206 ? `bytes ${start}-${end - 1}/${weights.length}` : null;
  expect(answer.headers.get("content-range")).toBe(shown);
});

test.each(["bytes=99999999999-", "bytes=5-4", "bytes=-", "bytes=0-1,3-4", "lines=1-2", "bytes=-0"])(
  "the range %s cannot be served",
  async (range) => {
    const answer = await app.fetch(blobPath, { headers: { range } });
    expect([answer.status, answer.headers.get("content-range")]).toEqual([416, `bytes */${weights.length}`]);
  },
);

test("HEAD tells a blob's size without sending it", async () => {
  const head = await app.fetch(blobPath, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([
    200,
    String(weights.length),
    "",
  ]);
});

test("CVE-2026-7020: a manifest's own media type is a header only where it is one", async () => {
  const raw = (mediaType: string) => JSON.stringify({ schemaVersion: 2, mediaType, config: layer, layers: [layer] });
  const layer = { mediaType: "x", digest, size: weights.length };
  for (const [mediaType, shown] of [
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.manifest.v1+json"],
    ["text/html", MANIFEST_TYPE],
    ["application/x\r\nset-cookie: a=b", MANIFEST_TYPE],
  ] as const) {
    await app.store.writeRaw(ModelName.parse("typed"), raw(mediaType));
    expect((await app.fetch("/v2/library/typed/manifests/latest")).headers.get("content-type")).toBe(shown);
  }
});

test("tags come sorted, in pages where that is asked for", async () => {
  const list = async (query: string) => app.fetch(`/v2/library/tiny/tags/list${query}`);
  expect(await (await list("")).json()).toEqual({ name: "library/tiny", tags: ["big", "latest", "small"] });
  const page = await list("?n=2");
  expect(await page.json()).toMatchObject({ tags: ["big", "latest"] });
  expect(page.headers.get("link")).toBe('</v2/library/tiny/tags/list?n=2&last=latest>; rel="next"');
  expect(await (await list("?n=2&last=latest")).json()).toMatchObject({ tags: ["small"] });
});

test("only what a manifest of that very model names is served", async () => {
  const secret = await app.store.blobs.put("a blob that no manifest names");
  const config = (await app.store.find(ModelName.parse("hf.co/some/repo:Q4_K_M")))?.manifest.config.digest ?? "";
  await create(app.store, { model: "other", system: "Mine alone.", from: "tiny" });
  const system = digestOf("Mine alone.");
  expect((await app.fetch(`/v2/library/other/blobs/${system}`)).status).toBe(200);
  const hidden = [
    `/v2/library/tiny/blobs/${secret.digest}`,
    `/v2/library/tiny/blobs/${system}`,
    `/v2/library/none/blobs/${digest}`,
    `/v2/library/tiny/manifests/none`,
    `/v2/library/tiny/manifests/${digest}`,
    `/v2/library/tiny/tags/other`,
    "/v2/_catalog",
    `/v2/library/tiny/blobs/${config.replace("sha256:", "sha256:../")}`,
    "/v2/library/tiny/blobs/..%2f..%2fmanifests",
    "/v2/library/..%2f..%2f..%2fid_ed25519/manifests/latest",
    "/v2/../id_ed25519",
    "/v2/library/tiny/blobs/sha256:abc",
    `/v2/${"a/".repeat(200)}blobs/${digest}`,
  ];
  for (const path of hidden) expect([path, (await app.fetch(path)).status]).toEqual([path, 404]);
});

test.each(["POST", "PUT", "PATCH", "DELETE"])("%s is not allowed, and changes nothing", async (method) => {
  for (const path of ["/v2/library/tiny/manifests/latest", "/v2/library/tiny/blobs/uploads/", blobPath])
    expect((await app.fetch(path, { method, ...(method === "DELETE" ? {} : { body: "{}" }) })).status).toBe(405);
  expect((await app.fetch("/v2/library/tiny/manifests/latest")).status).toBe(200);
});

test("another machine's pull takes a model whole, and learns nothing of a blob that is damaged", async () => {
  using server = forwarding(app);
  await using here = await pulling();
  const name = `127.0.0.1:${server.port}/library/tiny:small`;
  expect((await here.pull(name)).at(-1)?.status).toBe("success");
  const bytes = await readFile(app.store.manifestPath(ModelName.parse("tiny:small")), "utf8");
  expect(await readFile(here.store.manifestPath(ModelName.parse(name)), "utf8")).toBe(bytes);
  expect(await here.store.blobs.verify(digest)).toBe(true);
  await writeFile(app.store.blobs.path(digest), "gone");
  await using second = await pulling();
  expect(await messageOf(second.pull(name))).toMatch(/416|announced|unexpected|range/);
  await writeFile(app.store.blobs.path(digest), weights);
});
