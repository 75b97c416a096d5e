// Pulls against a registry that behaves, misbehaves, or lies.

import { expect, test } from "bun:test";
import { open, readdir, readFile, truncate } from "node:fs/promises";
import { digestOf } from "../../src/base/digest.ts";
import { ModelName } from "../../src/models/name.ts";
import { retryAfterMs } from "../../src/registry/backoff.ts";
import { bytesOf, messageOf, pulling, type Pulling } from "./pulling.ts";
import { rangeOf, standIn } from "./stand-in.ts";

const weights = bytesOf(700_000, 1);
const digest = digestOf(weights);

async function expectWhole({ store }: Pulling, name: string, manifest: string): Promise<void> {
  expect(await readFile(store.manifestPath(ModelName.parse(name)), "utf8")).toBe(manifest);
  expect(await store.blobs.verify(digest)).toBe(true);
  expect((await readdir(store.blobs.directory)).filter((file) => file.includes("partial"))).toEqual([]);
}

function growsOnly(lines: readonly { digest?: string; completed?: number }[], of: string): boolean {
  const counts = lines.filter((line) => line.digest === of).map((line) => line.completed ?? 0);
  return counts.every((count, i) => count >= (counts[i - 1] ?? 0)) && counts.at(-1) === weights.length;
}

test("a pull writes every blob and the manifest byte for byte, with Ollama's status lines", async () => {
  using server = standIn();
  await using here = await pulling();
  const manifest = server.addModel("me/tiny:1", [weights, bytesOf(10, 2)]);
  const lines = await here.pull(`${server.host}/me/tiny:1`);
  await expectWhole(here, `${server.host}/me/tiny:1`, manifest);
  const plain = lines.filter((line) => line.digest === undefined).map((line) => line.status);
  expect(plain).toEqual(["pulling manifest", "verifying sha256 digest", "writing manifest", "success"]);
  expect(lines.find((line) => line.digest === digest)?.status).toBe(`pulling ${digest.slice(7, 19)}`);
  expect(growsOnly(lines, digest)).toBe(true);
});

test("blobs that are here are not fetched again, and layers only the old version had are removed", async () => {
  using server = standIn();
  await using here = await pulling();
  const old = bytesOf(20, 3);
  server.addModel("me/tiny:1", [weights, old]);
  await here.pull(`${server.host}/me/tiny:1`);
  server.addModel("me/tiny:1", [weights, bytesOf(20, 4)]);
  server.seen.length = 0;
  const lines = await here.pull(`${server.host}/ME/tiny:1`);
  expect(server.seen.filter((seen) => seen.path.endsWith(digest))).toEqual([]);
  expect(lines.map((line) => line.status)).toContain("removing unused layers");
  expect(await here.store.blobs.has(digestOf(old))).toBe(false);
  expect(lines.find((line) => line.digest === digest)?.completed).toBe(weights.length);
});

test("a blob that was cut short, or that is known to be damaged, is fetched again", async () => {
  using server = standIn();
  await using here = await pulling();
  const name = `${server.host}/me/tiny:1`;
  const manifest = server.addModel("me/tiny:1", [weights]);
  const path = here.store.blobs.path(digest);
  await here.pull(name);
  await truncate(path, 1000);
  await here.pull(name);
  await expectWhole(here, name, manifest);
  const damaged = await open(path, "r+");
  await damaged.write("XXXX", 300_000);
  await damaged.close();
  await here.pull(name);
  expect(await here.store.blobs.verify(digest)).toBe(false);
  expect(await here.store.blobs.markDamaged(digest)).toBe(true);
  await here.pull(name);
  await expectWhole(here, name, manifest);
  server.seen.length = 0;
  await here.pull(name);
  expect(server.seen.filter((seen) => seen.path.endsWith(digest))).toEqual([]);
});

test("a cut connection goes on where it stopped", async () => {
  using server = standIn();
  await using here = await pulling();
  const manifest = server.addModel("me/tiny:1", [weights]);
  let cuts = 0;
  server.fault = (request, seen) => {
    if (!seen.path.endsWith(digest) || cuts >= 6) return undefined;
    cuts++;
    return cutAfter(request, 20_000);
  };
  const lines = await here.pull(`${server.host}/me/tiny:1`);
  await expectWhole(here, `${server.host}/me/tiny:1`, manifest);
  expect(cuts).toBe(6);
  expect(growsOnly(lines, digest)).toBe(true);
});

/** Announces everything and ends early. */
async function cutAfter(request: Request, count: number): Promise<Response> {
  const whole = rangeOf(request, weights);
  const bytes = new Uint8Array(await whole.arrayBuffer());
  const { status, headers } = whole;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes.slice(0, count));
      controller.close();
    },
  });
  return new Response(body, { status, headers });
}

test("a stalled connection is replaced by a fresh one", async () => {
  using server = standIn();
  await using here = await pulling();
  const manifest = server.addModel("me/tiny:1", [weights]);
  let stalls = 0;
  server.fault = (request, seen) => {
    if (!seen.path.endsWith(digest) || stalls++ > 0) return undefined;
    const { status, headers } = rangeOf(request, weights);
    const never = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
    return new Response(never, { status, headers });
  };
  await here.pull(`${server.host}/me/tiny:1`);
  await expectWhole(here, `${server.host}/me/tiny:1`, manifest);
});

test.each([429, 500, 503])("an answer of %d is waited out", async (status) => {
  using server = standIn();
  await using here = await pulling();
  const manifest = server.addModel("me/tiny:1", [weights]);
  const refused = new Set<string>();
  server.fault = (_, { path, range }) => {
    const asked = `${path} ${range}`;
    if (refused.has(asked)) return undefined;
    refused.add(asked);
    return new Response("later", { status });
  };
  await here.pull(`${server.host}/me/tiny:1`);
  await expectWhole(here, `${server.host}/me/tiny:1`, manifest);
});

test("Retry-After is kept for a manifest and for a part", async () => {
  using server = standIn();
  await using here = await pulling({}, { tuning: { connections: 1 } });
  server.addModel("me/tiny:1", [weights]);
  const waits: number[] = [];
  let refusedMs = 0;
  let isNext = true;
  server.fault = (_, { path }) => {
    if (!path.includes("/manifests/") && !path.endsWith(digest)) return undefined;
    if (isNext) {
      isNext = false;
      refusedMs = performance.now();
      return new Response("later", { status: 429, headers: { "retry-after": "1" } });
    }
    if (refusedMs > 0) waits.push(performance.now() - refusedMs);
    refusedMs = 0;
    isNext = waits.length < 2;
    return undefined;
  };
  await here.pull(`${server.host}/me/tiny:1`);
  expect(waits.length).toBe(2);
  expect(Math.min(...waits)).toBeGreaterThan(950);
});

test.each([
  ["7", 7000],
  ["Sat, 28 Nov 2026 12:00:09 GMT", 9000],
  ["Sat, 28 Nov 2026 11:00:00 GMT", 0],
  ["86400", 60_000],
  ["soon", 0],
  ["-5", 0],
])("Retry-After: %s is %d ms", (text, want) => {
  const response = new Response("", { headers: { "retry-after": text } });
  expect(retryAfterMs(response, Date.parse("2026-11-28T12:00:00Z"))).toBe(want);
});

test.each([200, 416])("a server that answers ranges with %d is read in one piece", async (status) => {
  using server = standIn();
  await using here = await pulling();
  const manifest = server.addModel("me/tiny:1", [weights]);
  server.fault = (_, seen) => {
    if (!seen.path.endsWith(digest) || seen.range === undefined) return undefined;
    return status === 200 ? new Response(weights) : new Response("no", { status });
  };
  const lines = await here.pull(`${server.host}/me/tiny:1`);
  await expectWhole(here, `${server.host}/me/tiny:1`, manifest);
  expect(growsOnly(lines, digest)).toBe(true);
});

test("a range that is not the one asked for fails instead of being written", async () => {
  using server = standIn();
  await using here = await pulling();
  server.addModel("me/tiny:1", [weights]);
  server.fault = (_, seen) =>
    seen.path.endsWith(digest)
      ? new Response("xx", { status: 206, headers: { "content-range": "bytes 0-1/700000" } })
      : undefined;
  expect(await messageOf(here.pull(`${server.host}/me/tiny:1`))).toMatch(/^the server answered with the range/);
});

test("wrong bytes once are fetched again; wrong bytes always are refused and leave nothing", async () => {
  using server = standIn();
  await using here = await pulling();
  const manifest = server.addModel("me/tiny:1", [weights]);
  const wrong = bytesOf(weights.length, 9);
  let isFirst = true;
  server.fault = (request, seen) => {
    if (!isFirst || !seen.path.endsWith(digest)) return undefined;
    isFirst = false;
    return rangeOf(request, wrong);
  };
  await here.pull(`${server.host}/me/tiny:1`);
  await expectWhole(here, `${server.host}/me/tiny:1`, manifest);

  await using other = await pulling();
  server.fault = (request, seen) => (seen.path.endsWith(digest) ? rangeOf(request, wrong) : undefined);
  expect(await messageOf(other.pull(`${server.host}/me/tiny:1`))).toBe(
    `digest mismatch, file must be downloaded again: want ${digest}, got ${digestOf(wrong)}`,
  );
  expect(await other.store.list()).toEqual([]);
  expect((await readdir(other.store.blobs.directory)).filter((name) => name.includes(digest.slice(7)))).toEqual([]);
});

test("a pull that is given up keeps what it has, and the next one asks only for the rest", async () => {
  using server = standIn();
  await using here = await pulling({}, { tuning: { connections: 1 } });
  const manifest = server.addModel("me/tiny:1", [weights]);
  const control = new AbortController();
  server.fault = (request, seen) => {
    if (!seen.path.endsWith(digest)) return undefined;
    if (server.seen.filter((entry) => entry.path.endsWith(digest)).length < 6) return undefined;
    control.abort();
    return rangeOf(request, weights);
  };
  await messageOf(here.pull(`${server.host}/me/tiny:1`, true, control.signal));
  expect(await here.store.list()).toEqual([]);
  server.fault = undefined;
  server.seen.length = 0;
  await here.pull(`${server.host}/me/tiny:1`);
  await expectWhole(here, `${server.host}/me/tiny:1`, manifest);
  const asked = server.seen.filter((seen) => seen.path.endsWith(digest)).length;
  expect(asked).toBeLessThanOrEqual(11 - 5);
});

test("all who ask at the same time share one download", async () => {
  using server = standIn();
  await using here = await pulling();
  server.addModel("me/tiny:1", [weights]);
  const name = `${server.host}/me/tiny:1`;
  await Promise.all([here.pull(name), here.pull(name), here.pull(name)]);
  const ranges = server.seen.filter((seen) => seen.path.endsWith(digest)).map((seen) => seen.range);
  expect(new Set(ranges).size).toBe(ranges.length);
});

test("a download limit is kept", async () => {
  using server = standIn();
  await using here = await pulling({ OLLAMA_DOWNLOAD_LIMIT: "1.4MB/s" });
  server.addModel("me/tiny:1", [weights]);
  const startMs = performance.now();
  await here.pull(`${server.host}/me/tiny:1`);
  const seconds = (performance.now() - startMs) / 1000;
  expect(seconds).toBeGreaterThan(0.35);
  expect(seconds).toBeLessThan(3);
});

test("a model larger than the disk is refused before anything is fetched, with what is needed", async () => {
  using server = standIn();
  await using here = await pulling();
  server.addModel("me/tiny:1", [weights]);
  const text = server.manifests.get("me/tiny:1")?.replace(String(weights.length), String(8e15)) ?? "";
  server.manifests.set("me/tiny:1", text);
  expect(await messageOf(here.pull(`${server.host}/me/tiny:1`))).toMatch(
    /^no space left on device: 8000 TB more is needed/,
  );
  expect(server.seen.filter((seen) => seen.path.includes("/blobs/"))).toEqual([]);
});

test("a missing model and an unreachable registry read as in Ollama", async () => {
  using server = standIn();
  await using here = await pulling();
  expect(await messageOf(here.pull(`${server.host}/me/none:1`))).toBe("pull model manifest: file does not exist");
  expect(await messageOf(here.pull("127.0.0.1:9/lib/x"))).toBe(
    'pull model manifest: Get "http://127.0.0.1:9/v2/lib/x/manifests/latest": dial tcp 127.0.0.1:9: connect: connection refused',
  );
});
