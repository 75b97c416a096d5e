// Published holes that a registry can use, by their ids, against the executable: whatever it answers, nothing outside the
// blobs folder is touched, no foreign host is asked, and the server lives.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { digestOf } from "../../src/base/digest.ts";
import { type StandIn, standIn } from "../registry/stand-in.ts";
import { Target } from "./attacked-server.ts";
import { entriesOf } from "../support/store-state.ts";

const LIMIT_MS = 60_000;
const MIB = 1024 * 1024;
const GOOD = `sha256:${"a".repeat(64)}`;
const KINDS = ["model", "tensor", "adapter", "template", "params", "license"];
let target: Target;
let registry: StandIn;

beforeAll(async () => {
  target = await Target.start();
  registry = standIn();
  await writeFile(join(target.server.home.path, "canary"), "alive");
}, LIMIT_MS);

beforeEach(() => {
  registry.fault = undefined;
  registry.seen.length = 0;
});

afterAll(async () => {
  registry[Symbol.dispose]();
  await target[Symbol.asyncDispose]();
});

/** The last line of a pull's stream, which must be an error. */
async function pullError(model = `${registry.host}/me/attack:1`, insecure = true): Promise<string> {
  const { text } = await target.post("/api/pull", { model, insecure });
  const last = JSON.parse(text.trim().split("\n").at(-1) ?? "{}") as { error?: string };
  return last.error ?? `no error: ${text.slice(-200)}`;
}

async function expectNothingLeft(): Promise<void> {
  expect(await readFile(join(target.server.home.path, "canary"), "utf8")).toBe("alive");
  expect(await entriesOf(target.server.home.modelsDir)).toEqual(["blobs", "manifests"]);
  // What was begun of a blob with a right digest may be resumed, and is checked before it counts.
  const blobs = await readdir(join(target.server.home.modelsDir, "blobs"));
  expect(blobs.filter((name) => !/^sha256-[0-9a-f]{64}-partial(-\d+)?$/.test(name))).toEqual([]);
  await target.expectUnharmed();
}

function layer(digest: string, size: unknown = 3, kind = "model"): object {
  return { mediaType: `application/vnd.ollama.image.${kind}`, digest, size };
}

function serveManifest(text: string): void {
  registry.fault = (request) => new Response(new URL(request.url).pathname.includes("/manifests/") ? text : "evil");
}

const manifestOf = (first: unknown, config: unknown = layer(GOOD)): string =>
  JSON.stringify({ schemaVersion: 2, config, layers: [first] });

describe("CVE-2024-37032, CVE-2026-7020, CVE-2025-44779: a digest is no path", () => {
  const digests = [
    "sha256:../../x",
    "sha256:../../canary",
    "sha256:/etc/passwd",
    "../../../etc/passwd",
    "sha256:abc",
    `SHA256:${"a".repeat(64)}`,
    `sha256:${"a".repeat(65)}`,
    `sha256:${"a".repeat(63)}\0`,
    `sha256-${"a".repeat(60)}/../x`,
    "",
  ];
  test.each(KINDS)(
    "in layers of kind %s",
    async (kind) => {
      for (const digest of digests) {
        serveManifest(manifestOf(layer(digest, 5, kind)));
        expect([digest, await pullError()]).toEqual([digest, expect.stringContaining("digest")]);
      }
      await expectNothingLeft();
    },
    LIMIT_MS,
  );
  test("in the config", async () => {
    for (const digest of digests) {
      serveManifest(manifestOf(layer(GOOD), layer(digest)));
      expect([digest, await pullError()]).toEqual([digest, expect.stringContaining("digest")]);
    }
    await expectNothingLeft();
  });
  test(
    "right digests with wrong content leave nothing and delete nothing",
    async () => {
      serveManifest(manifestOf(layer(GOOD, 4), layer(GOOD, 4)));
      expect(await pullError()).toContain("digest mismatch");
      await expectNothingLeft();
    },
    LIMIT_MS,
  );
});

describe("CVE-2025-1975: a malformed manifest is an error line", () => {
  test.each([
    ["null", "null"],
    ["no JSON", "<html>"],
    ["no layers", JSON.stringify({ schemaVersion: 2, config: layer(GOOD), layers: [] })],
    ["no config", JSON.stringify({ schemaVersion: 2, layers: [layer(GOOD)] })],
    ["null layers", JSON.stringify({ schemaVersion: 2, config: layer(GOOD), layers: null })],
    ["a null layer", manifestOf(null)],
    ["a negative size", manifestOf(layer(GOOD, -1))],
    ["a huge size", manifestOf(layer(GOOD, 2 ** 60))],
    ["a size of text", manifestOf(layer(GOOD, "3"))],
    [
      "a million layers",
      `{"schemaVersion":2,"config":${JSON.stringify(layer(GOOD))},"layers":[${"{},".repeat(1e6)}{}]}`,
    ],
    ["deep nesting", "[".repeat(200_000)],
  ])("%s", async (_, text) => {
    serveManifest(text);
    expect(await pullError()).toStartWith("pull model manifest: ");
    await expectNothingLeft();
  });
});

describe("CVE-2024-12886: answers are read to a limit", () => {
  const challenge = (): Response =>
    new Response("", {
      status: 401,
      headers: { "www-authenticate": `Bearer realm="${registry.origin}/token",service="s",scope="x"` },
    });
  const zeros = (): ReadableStream<Uint8Array> =>
    new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(MIB)) });
  test.each([
    [
      "a token answer that is a gzip bomb",
      (path: string, bomb: Uint8Array) => (path === "/token" ? packed(bomb) : challenge()),
    ],
    ["a token answer without end", (path: string) => (path === "/token" ? new Response(zeros()) : challenge())],
    ["a manifest that is a gzip bomb", (_: string, bomb: Uint8Array) => packed(bomb)],
    ["a manifest without end", () => new Response(zeros())],
    ["an error without end", () => new Response(zeros(), { status: 500 })],
  ] as [string, (path: string, bomb: Uint8Array) => Response][])(
    "%s",
    async (_, answer) => {
      const bomb = gzipSync(Buffer.alloc(256 * MIB), { level: 9 });
      const before = target.residentBytes;
      registry.fault = (_request, { path }) => answer(path, bomb);
      expect(await pullError()).not.toContain("no error");
      await expectNothingLeft();
      await target.expectUnharmed(before);
    },
    LIMIT_MS,
  );
  function packed(bytes: Uint8Array): Response {
    return new Response(bytes, { headers: { "content-encoding": "gzip" } });
  }
});

describe("CVE-2025-51471: a token is asked for nowhere else", () => {
  test.each([
    ["another host", (other: StandIn) => other.origin.replace("127.0.0.1", "localhost")],
    ["another port", (other: StandIn) => other.origin],
    ["another scheme", (other: StandIn) => other.origin.replace("http:", "https:")],
    ["a host that begins the same", (other: StandIn) => `http://${registry.host}@${other.host}`],
  ])("%s", async (_, realmOf) => {
    using other = standIn();
    registry.fault = () =>
      new Response("", {
        status: 401,
        headers: { "www-authenticate": `Bearer realm="${realmOf(other)}/token",service="s",scope="x"` },
      });
    expect(await pullError()).not.toContain("no error");
    expect(other.seen).toEqual([]);
    await expectNothingLeft();
  });
});

describe("CVE-2026-5530, o#17041, o#16236: pulls reach no private address", () => {
  test.each([
    "http://169.254.169.254/latest/meta-data",
    "169.254.169.254/me/m",
    "10.0.0.1/me/m",
    "192.168.0.1:80/me/m",
    "127.0.0.1:1/me/m",
    "localhost:1/me/m",
    "0x7f000001:1/me/m",
    "2130706433:1/me/m",
    "http://[::1]:1/me/m",
    "[::ffff:127.0.0.1]:1/me/m",
  ])("%s without insecure", async (model) => {
    const startMs = performance.now();
    expect(await pullError(model, false)).toMatch(/private address|invalid model name/);
    expect(performance.now() - startMs).toBeLessThan(5000);
  });
  test("no connection is made, and push asks no more than pull", async () => {
    expect(await pullError(`${registry.host}/me/m`, false)).toMatch(/private address/);
    const { text } = await target.post("/api/push", { model: `${registry.host}/me/m`, insecure: false, stream: false });
    expect(text).toMatch(/error/);
    expect(registry.seen).toEqual([]);
  });
  test.each(["manifests", "blobs"])(
    "a redirect of %s to a private host is not followed, and carries no token",
    async (part) => {
      using inner = standIn();
      const bytes = new TextEncoder().encode("secret of the inner network");
      inner.blobs.set(digestOf(bytes), bytes);
      registry.fault = (request, { path }) => {
        if (path.includes(`/${part}/`)) return Response.redirect(request.url.replace(registry.host, inner.host), 307);
        return path.includes("/manifests/")
          ? new Response(manifestOf(layer(digestOf(bytes), bytes.length)))
          : undefined;
      };
      expect(await pullError()).toMatch(/private address/);
      expect(inner.seen).toEqual([]);
      await expectNothingLeft();
    },
    LIMIT_MS,
  );
});
