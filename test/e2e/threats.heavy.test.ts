// Every published hole of this kind of server that a client can reach, by its id, against the executable: the attack and
// what must come back. What a registry can do is in threats-registry.heavy.test.ts, every way to damage a GGUF in
// test/formats/gguf/threats.test.ts; key and address rules of CVE-2025-63389 are with the access tests.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { digestOf } from "../../src/base/digest.ts";
import type { GgufWriteValue } from "../../src/formats/gguf/write.ts";
import { rawGguf, string, u32, u64 } from "../formats/gguf/raw-gguf.ts";
import { fieldOffsets } from "../support/mutate-gguf.ts";
import { runProgram } from "../support/program.ts";
import { layoutBytes, tinyGguf, tinyLayout } from "../support/tiny-gguf.ts";
import { integers, text, uint } from "../support/tiny-vocabulary.ts";
import { Target } from "./attacked-server.ts";
import { entriesOf } from "../support/store-state.ts";

const LIMIT_MS = 60_000;
let target: Target;

beforeAll(async () => {
  target = await Target.start();
  const made = await target.createFrom(tinyGguf("llama"), { model: "victim" });
  expect(made).toEqual({ status: 200, text: '{"status":"success"}' });
}, LIMIT_MS);

afterAll(() => target[Symbol.asyncDispose]());

function llamaWith(...changes: readonly (readonly [key: string, value: GgufWriteValue | undefined])[]): Uint8Array {
  const layout = tinyLayout("llama");
  for (const [key, value] of changes) {
    if (value === undefined) layout.metadata.delete(key);
    else layout.metadata.set(key, value);
  }
  return layoutBytes(layout);
}

async function expectRefused(bytes: Uint8Array, reason: RegExp | string, more: object = {}): Promise<void> {
  const before = target.residentBytes;
  const startMs = performance.now();
  const { status, text: body } = await target.createFrom(bytes, { ...more });
  expect(body).toMatch(reason);
  expect(status).toBe(400);
  expect(performance.now() - startMs).toBeLessThan(1000);
  await target.expectUnharmed(before);
}

describe("CVE-2024-28224: a foreign Host drives nothing", () => {
  const paths = [
    "/",
    "/api/tags",
    "/api/generate",
    "/api/delete",
    "/api/blobs/sha256:0",
    "/v1/models",
    "/v1/messages",
    "/openapi.json",
    "/nowhere",
  ];
  test.each(["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"])(
    "%s is answered with 403 on every route",
    async (method) => {
      for (const path of paths) {
        for (const host of ["evil.example", "127.0.0.1.evil.example", "evil.example:11434"]) {
          const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nContent-Length: 0\r\n\r\n`;
          expect([method, path, host, await target.raw(head)]).toEqual([method, path, host, 403]);
        }
      }
    },
  );
  test("this computer's own names are answered", async () => {
    for (const host of ["localhost", "127.0.0.1", "127.8.8.8:1", "[::1]", hostname()]) {
      expect([host, await target.raw(`GET /api/tags HTTP/1.1\r\nHost: ${host}\r\n\r\n`)]).toEqual([host, 200]);
    }
  });
});

describe("CVE-2024-39719, o#13223: create tells nothing about this computer's files", () => {
  test.each([
    ["files", (path: string) => ({ files: { "m.gguf": path } })],
    ["files by path", (path: string) => ({ files: { [path]: `sha256:${"0".repeat(64)}` } })],
    ["from", (path: string) => ({ from: path })],
    ["adapters", (path: string) => ({ from: "victim", adapters: { "a.gguf": path } })],
    ["draft_files", (path: string) => ({ from: "victim", draft_files: { "a.gguf": path } })],
  ])("%s: a file that exists and one that does not are refused alike", async (_, request) => {
    const answers = await Promise.all(
      ["/etc/passwd", "/etc/no-such-file", "/root", "/dev/random", "/proc/self/mem"].map((path) =>
        target.post("/api/create", { model: "attack", stream: false, ...request(path) }),
      ),
    );
    expect(
      new Set(answers.map(({ status, text: body }) => `${status} ${body.replace(/\/[\w/-]+/g, "PATH")}`)).size,
    ).toBe(1);
    expect(answers[0]?.status).toBe(400);
    for (const { text: body } of answers)
      expect(body).not.toMatch(/ENOENT|EACCES|no such file|permission|models\/blobs/);
    await target.expectUnharmed();
  });

  test.each(["", "sha256:", "sha256:..", "x"])("a digest of %j names no folder of ours", async (digest) => {
    for (const field of ["files", "adapters", "draft_files"]) {
      const request = {
        model: "attack",
        stream: false,
        ...(field === "files" ? {} : { from: "victim" }),
        [field]: { "0.gguf": digest },
      };
      const { status, text: body } = await target.post("/api/create", request);
      expect([field, status]).toEqual([field, 400]);
      expect(body).not.toContain("/");
      expect(body).not.toContain(target.server.home.path);
    }
  });
});

describe("CVE-2024-39720: a file of nothing but the magic", () => {
  test.each(["GGUF", "GGU", "", "GGUF\u0003\0\0\0"])("%j is refused, the next request answered", async (content) => {
    await expectRefused(Buffer.from(content), /GGUF/);
  });
});

test(
  "CVE-2024-39721: a source that never ends is refused before it is read",
  async () => {
    const folder = join(target.server.home.path, "sources");
    await mkdir(join(folder, "directory"), { recursive: true });
    Bun.spawnSync(["mkfifo", join(folder, "fifo")]);
    for (const source of [
      "/dev/random",
      "/dev/zero",
      join(folder, "fifo"),
      join(folder, "directory"),
      "/proc/self/mem",
    ]) {
      const modelfile = join(folder, "Modelfile");
      await writeFile(modelfile, `FROM ${source}\n`);
      const options = { env: target.server.env, limitMs: 10_000 };
      const { exit, stderr } = await runProgram(["create", "attack", "-f", modelfile], options);
      expect([source, exit]).toEqual([source, 1]);
      expect(stderr).toContain("Error");
    }
    await target.expectUnharmed();
  },
  LIMIT_MS,
);

describe("CVE-2024-39722: a model's name leads nowhere", () => {
  const names = [
    "../../../etc/passwd",
    "..",
    "%2e%2e/x",
    "a\\b",
    "/etc/passwd",
    "x".repeat(5000),
    "a/../../b",
    "a:../b",
    "a\0b",
    "http://../x",
    "C:\\x",
  ];
  const requests: readonly (readonly [string, string, (name: string) => unknown])[] = [
    ["POST", "/api/push", (model) => ({ model, stream: false })],
    ["POST", "/api/pull", (model) => ({ model, stream: false })],
    ["POST", "/api/show", (model) => ({ model })],
    ["POST", "/api/create", (model) => ({ model, from: "victim", stream: false })],
    ["POST", "/api/create", (from) => ({ model: "attack", from, stream: false })],
    ["POST", "/api/copy", (source) => ({ source, destination: "attack" })],
    ["POST", "/api/copy", (destination) => ({ source: "victim", destination })],
    ["DELETE", "/api/delete", (model) => ({ model })],
    ["POST", "/api/generate", (model) => ({ model, prompt: "x" })],
    ["POST", "/api/chat", (model) => ({ model, messages: [{ role: "user", content: "x" }] })],
    ["POST", "/api/embed", (model) => ({ model, input: "x" })],
    ["POST", "/api/tokenize", (model) => ({ model, text: "x" })],
    ["POST", "/v1/chat/completions", (model) => ({ model, messages: [{ role: "user", content: "x" }] })],
    ["POST", "/v1/responses", (model) => ({ model, input: "x" })],
    ["POST", "/v1/messages", (model) => ({ model, max_tokens: 1, messages: [{ role: "user", content: "x" }] })],
  ];
  test.each(requests)("%s %s", async (method, path, request) => {
    for (const name of names) {
      const { status, text: body } = await target.send(method, path, request(name));
      expect([name.slice(0, 40), [400, 404].includes(status) || status]).toEqual([name.slice(0, 40), true]);
      expect(body).not.toMatch(/ENOENT|EISDIR|ENAMETOOLONG|manifests\//);
    }
    const same = await Promise.all(
      ["../../../etc/passwd", "../../../etc/nothing"].map((name) => target.send(method, path, request(name))),
    );
    const [one, two] = same.map(({ text: body }) =>
      body.replace(/"request_id":"\w+"/, "").replaceAll("passwd", "nothing"),
    );
    expect(one).toBe(two ?? "");
    expect(await entriesOf(target.server.home.modelsDir)).toEqual(["blobs", "manifests"]);
    await target.expectUnharmed();
  });
  test("in the address too", async () => {
    for (const path of [
      "/v1/models/..%2f..%2fetc%2fpasswd",
      "/api/blobs/..%2f..%2fx",
      "/api/blobs/sha256:..%2f..%2fx",
      "/v1/models/%00",
    ]) {
      for (const method of ["GET", "HEAD", "POST"]) {
        expect([400, 404, 405]).toContain((await target.send(method, path)).status);
      }
    }
    expect(await entriesOf(target.server.home.modelsDir)).toEqual(["blobs", "manifests"]);
  });
});

test("CVE-2024-45436, CVE-2024-7773: an archive is no model", async () => {
  const zip = Buffer.concat([
    Buffer.from("PK\u0003\u0004\u0014\0\0\0\0\0"),
    Buffer.from("../../../../tmp/evil"),
    Buffer.alloc(200),
  ]);
  await expectRefused(zip, "supplied file was not in GGUF format");
  await expectRefused(zip, /./, { files: { "model.zip": digestOf(zip) } });
});

describe("CVE-2024-8063, CVE-2025-0317: counts and alignments of zero divide nothing", () => {
  test.each([
    ["llama.block_count", uint(0)],
    ["llama.attention.head_count", uint(0)],
    ["llama.attention.head_count", integers([0, 0])],
    ["llama.embedding_length", uint(0)],
  ] as [string, GgufWriteValue][])("%s (%#)", (key, value) => expectRefused(llamaWith([key, value]), /must not be 0/));
  test.each([
    ["0", u32(4), u32(0)],
    ["3", u32(4), u32(3)],
    ["2^32", u32(10), u64(1n << 32n)],
    ["a text", u32(8), string("32")],
  ] as [string, Uint8Array, Uint8Array][])("an alignment of %s", (_, type, value) =>
    expectRefused(rawGguf(0, 1, string("general.alignment"), type, value), /alignment/),
  );
});

test(
  "CVE-2024-12055: a model cut at any boundary of its metadata is refused",
  async () => {
    const whole = tinyGguf("llama");
    const cuts = fieldOffsets(whole).filter((_, i) => i % 4 === 0);
    expect(cuts.length).toBeGreaterThan(40);
    for (const cut of cuts) expect((await target.createFrom(whole.subarray(0, cut))).status).toBe(400);
    await target.expectUnharmed();
  },
  LIMIT_MS,
);

test.each(["general.architecture", "tokenizer.ggml.model", "tokenizer.ggml.tokens", "llama.block_count"])(
  "CVE-2025-0312: a model without %s is refused",
  (key) => expectRefused(llamaWith([key, undefined]), `key not found in model: ${key}`),
);

test.each([
  ["a string of 2^62 bytes", rawGguf(0, 1, string("k"), u32(8), u64(1n << 62n))],
  ["an array of 2^61 entries", rawGguf(0, 1, string("k"), u32(9), u32(8), u64(1n << 61n))],
  ["2^40 tensors", rawGguf(1n << 40n, 0)],
  ["2^40 keys", rawGguf(0, 1n << 40n)],
])("CVE-2025-0315, o#17042: %s cost nothing", (_, bytes) =>
  expectRefused(Buffer.concat([bytes, new Uint8Array(1024)]), /exceeds maximum/),
);

describe("CVE-2025-15514: images that are none", () => {
  const pngOf = (width: number, height: number): string => {
    const head = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
    const size = Buffer.alloc(8);
    size.writeUInt32BE(width, 0);
    size.writeUInt32BE(height, 4);
    return Buffer.concat([head, size, Buffer.from("0806000000", "hex"), Buffer.alloc(8)]).toString("base64");
  };
  test.each([
    ["empty", ""],
    ["no base64", "!!"],
    ["1x0 pixels", pngOf(1, 0)],
    ["50000x50000 pixels", pngOf(50_000, 50_000)],
  ])("%s", async (_, image) => {
    const url = { type: "image_url", image_url: { url: `data:image/png;base64,${image}` } };
    const source = { type: "image", source: { type: "base64", media_type: "image/png", data: image } };
    const requests: readonly (readonly [string, unknown])[] = [
      ["/api/generate", { model: "victim", prompt: "x", images: [image] }],
      ["/api/chat", { model: "victim", messages: [{ role: "user", content: "x", images: [image] }] }],
      ["/v1/chat/completions", { model: "victim", messages: [{ role: "user", content: [url] }] }],
      ["/v1/messages", { model: "victim", max_tokens: 1, messages: [{ role: "user", content: [source] }] }],
    ];
    for (const [path, body] of requests) expect([path, (await target.post(path, body)).status]).toEqual([path, 400]);
    await target.expectUnharmed();
  });
});

test.each([[[0, 0, 0, 0]], [[1, 0, 0, 0]], [[4, 0, 0, 0]], [[0, 0, 0, 3]], [[255, 255, 255, 255]]])(
  "CVE-2025-66959, CVE-2025-66960: version bytes %j are refused",
  (version) => {
    const file = Buffer.from(tinyGguf("llama"));
    file.set(version, 4);
    return expectRefused(file, "unsupported GGUF version");
  },
);

describe("CVE-2026-7482, CVE-2026-5757, CVE-2026-33298: a tensor that reaches beyond its file is never read", () => {
  const tensor = (shape: bigint[], type: number, offset: bigint): Uint8Array =>
    Buffer.concat([
      rawGguf(1, 0, string("t"), u32(shape.length), ...shape.map(u64), u32(type), u64(offset)),
      new Uint8Array(1024),
    ]);
  const whole = tinyGguf("llama");
  test.each([
    ["the file ends early", whole.subarray(0, whole.byteLength - 4096)],
    ["its offset is huge", tensor([32n], 0, 1n << 52n)],
    ["its offset wraps around", tensor([32n], 0, (1n << 64n) - 32n)],
    ["its elements overflow", tensor([1n << 63n, 2n, 3n], 0, 0n)],
    ["its bytes overflow", tensor([1n << 62n], 0, 0n)],
    ["its type is unknown", tensor([32n], 99, 0n)],
  ])("%s", async (_, bytes) => {
    await expectRefused(bytes, /exceeds file size|overflow|unknown type/);
    await expectRefused(bytes, /exceeds file size|overflow|unknown type/, { quantize: "q8_0" });
  });
});

test("CVE-2026-42248, CVE-2026-42249: no updater fetches or runs what is not signed", async () => {
  for (const [command, answer] of [
    ["update", "unknown command"],
    ["self-update", "unknown command"],
    // It takes nothing that is not signed with a key that was built in; this build has none.
    ["upgrade", "no release key"],
  ] as const) {
    const { exit, stderr } = await runProgram([command], { env: target.server.env });
    expect([command, exit]).toEqual([command, 1]);
    expect(stderr).toContain(answer);
  }
  for (const path of ["/api/update", "/api/upgrade", "/api/v1/update"])
    expect((await target.post(path, {})).status).toBe(404);
});

describe("mllama before 0.7.0: vision keys that nothing here would read", () => {
  test.each(["llama.vision.block_count", "llama.audio.block_count", "clip.has_vision_encoder"])("%s", (key) =>
    expectRefused(llamaWith([key, uint(1)]), /vision or audio/),
  );
});

describe("o#16236, o#16656: no page of the web may ask", () => {
  test.each(["http://evil.example", "https://localhost.evil.example", "null"])("%s", async (origin) => {
    const response = await fetch(`${target.server.baseUrl}/api/tags`, { headers: { origin } });
    expect(response.status).toBe(403);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("llama.cpp's own holes", () => {
  test("CVE-2024-42477, 42478, 42479: no RPC backend is shipped", async () => {
    await target.post("/api/generate", { model: "victim", prompt: "x", stream: false, options: { num_predict: 1 } });
    const directory = /directory=(\S+)/.exec(target.server.log())?.[1] ?? "";
    const libraries = await readdir(directory);
    expect(libraries.length).toBeGreaterThan(3);
    expect(libraries.filter((name) => /rpc/i.test(name))).toEqual([]);
  });
  test(
    "CVE-2026-21869: options below zero",
    async () => {
      for (const options of [
        { num_keep: -5 },
        { num_keep: 2 ** 31 - 1 },
        { num_ctx: -1 },
        { num_batch: -1 },
        { top_k: -7 },
        { repeat_last_n: -9 },
        { num_thread: -3 },
        { num_predict: -2 },
      ]) {
        const request = {
          model: "victim",
          prompt: "word ".repeat(300),
          raw: true,
          stream: false,
          options: { num_ctx: 64, num_predict: 20, ...options },
        };
        expect([200, 400]).toContain((await target.post("/api/generate", request)).status);
      }
      await target.expectUnharmed();
    },
    LIMIT_MS,
  );
  test("l#25969: a token of PLaMo-2 that names a byte below zero", async () => {
    const tokens = tinyLayout("llama").metadata.get("tokenizer.ggml.tokens");
    if (tokens?.type !== "arr" || tokens.elementType !== "str") throw new Error("no tokens");
    const values = tokens.values.with(20, "<0x-1>");
    await expectRefused(
      llamaWith(
        ["tokenizer.ggml.model", text("plamo2")],
        ["tokenizer.ggml.tokens", { type: "arr", elementType: "str", values }],
      ),
      /token|merges|plamo/i,
    );
  });
  test(
    "a chat template that never ends is stopped, and the others are served meanwhile",
    async () => {
      const endless = "{% for a in range(100000) %}{% for b in range(100000) %}{{ a * b }}{% endfor %}{% endfor %}";
      expect(
        (await target.createFrom(llamaWith(["tokenizer.chat_template", text(endless)]), { model: "endless" })).status,
      ).toBe(200);
      const chat = target.post("/api/chat", {
        model: "endless",
        messages: [{ role: "user", content: "x" }],
        stream: false,
      });
      const { status, text: body } = await chat;
      expect(body).toMatch(/template/);
      expect([400, 500]).toContain(status);
      expect((await target.send("DELETE", "/api/delete", { model: "endless" })).status).toBe(200);
      await target.expectUnharmed();
    },
    LIMIT_MS,
  );
});
