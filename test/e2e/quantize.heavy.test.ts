// Quantizing on create: every level through libllama in its child, judged by the bytes that come out, and what happens when
// it is stopped, killed or has no room.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readGguf } from "../../src/formats/gguf/header.ts";
import { layoutBytes, tinyGguf } from "../support/tiny-gguf.ts";
import { prepareLibraries } from "../../src/runner/native.ts";
import { quantizeFile } from "../../src/runner/quantize.ts";
import { runProgram } from "../support/program.ts";
import { rejection } from "../support/rejection.ts";
import { splitGguf } from "../support/split-gguf.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { wideLlamaLayout } from "../support/wide-llama.ts";
import { childrenOf, isAlive, NativeClient, until } from "./native-client.ts";

const LIMIT_MS = 120_000;
const SOURCE = "wide";
const layout = wideLlamaLayout();

let server: TestServer;
let client: NativeClient;
beforeAll(async () => {
  server = await startServer();
  client = new NativeClient(server);
  await client.createFromBytes(SOURCE, layoutBytes(layout));
}, LIMIT_MS);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

interface Line {
  readonly status?: string;
  readonly error?: string;
  readonly total?: number;
  readonly completed?: number;
}
interface Shown {
  readonly details: { readonly quantization_level: string };
  readonly tensors: readonly { readonly name: string; readonly type: string; readonly shape: readonly number[] }[];
  readonly modelfile: string;
}

async function create(body: Readonly<Record<string, unknown>>): Promise<Line[]> {
  const response = await client.post("/api/create", body);
  const text = await response.text();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

const show = (model: string) => client.ask<Shown>("/api/show", { model });

/** Files of the blobs directory that are no blob. */
async function leftovers(): Promise<string[]> {
  const names = await readdir(join(server.home.modelsDir, "blobs"));
  return names.filter((name) => !/^sha256-[0-9a-f]{64}$/.test(name));
}

const levels = [
  ["q4_K_M", "Q4_K_M", "Q4_K"],
  ["Q4_K_S", "Q4_K_S", "Q4_K"],
  ["q5_K_M", "Q5_K_M", "Q5_K"],
  ["q6_K", "Q6_K", "Q6_K"],
  ["q8_0", "Q8_0", "Q8_0"],
  ["q4_0", "Q4_0", "Q4_0"],
  ["iq4_xs", "IQ4_XS", "IQ4_XS"],
  ["f16", "F16", "F16"],
  ["bf16", "BF16", "BF16"],
] as const;

test.each(levels)(
  "-q %s makes a %s model that answers",
  async (sent, shown, type) => {
    const lines = await create({ model: `q-${sent}`, from: SOURCE, quantize: sent });
    expect(lines.at(-1)).toEqual({ status: "success" });
    const progress = lines.filter(({ status }) => status === `quantizing F32 model to ${shown}`);
    expect(progress.at(-1)?.completed).toBe(progress.at(-1)?.total);
    expect(progress.length).toBe(layout.tensors.length + 1);
    expect(lines.map(({ status }) => status)).toContain("verifying conversion");
    const facts = await show(`q-${sent}`);
    expect(facts.details.quantization_level).toBe(shown);
    const query = facts.tensors.find(({ name }) => name === "blk.0.attn_q.weight");
    expect(query).toEqual({ name: "blk.0.attn_q.weight", type, shape: [256, 256] });
    expect((await client.generate(`q-${sent}`, "hello", { num_predict: 4 })).eval_count).toBeGreaterThan(0);
    expect(await leftovers()).toEqual([]);
  },
  LIMIT_MS,
);

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

test("q8_0 holds the numbers of the source, each within half a step of its block", async () => {
  const path = /^FROM (.*)$/m.exec((await show("q-q8_0")).modelfile)?.[1] ?? "";
  const bytes = await readFile(path);
  const gguf = readGguf({ size: bytes.length, readAt: (target, offset) => bytes.copy(target, 0, offset) });
  const name = "blk.1.ffn_down.weight";
  const tensor = gguf.tensors.find((one) => one.name === name);
  const source = layout.tensors.find((one) => one.name === name);
  if (tensor === undefined || source === undefined) throw new Error(`no ${name}`);
  const values = new Float32Array(source.data.buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset + gguf.dataOffset + tensor.offset, tensor.byteSize);
  let checked = 0;
  for (let block = 0; block < values.length / 32; block++) {
    const step = halfToNumber(view.getUint16(block * 34, true));
    for (let i = 0; i < 32; i++, checked++) {
      const value = values[block * 32 + i] ?? Number.NaN;
      // A tenth more than half a step: the step itself is rounded to 16 bits.
      expect(Math.abs(view.getInt8(block * 34 + 2 + i) * step - value)).toBeLessThanOrEqual(step * 0.6);
    }
  }
  expect(checked).toBe(tensor.elements);
});

describe("refused, and nothing is left behind", () => {
  const refusals: [string, Record<string, unknown>, RegExp][] = [
    [
      "an unknown level",
      { from: SOURCE, quantize: "q9" },
      /unsupported quantization type Q9 - supported types are F32, F16, .*Q4_K_M/,
    ],
    [
      "a level that needs an importance matrix",
      { from: SOURCE, quantize: "iq1_s" },
      /unsupported quantization type IQ1_S/,
    ],
    ["a quantized source", { from: "q-q8_0", quantize: "q4_K_M" }, /only supported for F16, BF16 and F32/],
  ];
  test.each(refusals)("%s", async (_, body, reason) => {
    const answer = await client.post("/api/create", { model: "never", stream: false, ...body });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringMatching(reason) as string]);
    expect((await client.post("/api/show", { model: "never" })).status).toBe(404);
    expect(await leftovers()).toEqual([]);
  });

  test("weights that are not numbers", async () => {
    const broken = wideLlamaLayout();
    const tensor = broken.tensors.find(({ name }) => name === "blk.0.ffn_up.weight");
    new Float32Array(tensor?.data.buffer ?? new ArrayBuffer(0)).fill(Number.NaN, 0, 64);
    await client.createFromBytes("nan", layoutBytes(broken));
    const lines = await create({ model: "never", from: "nan", quantize: "q4_K_M" });
    expect(lines.at(-1)?.error).toMatch(
      /could not quantize the model: .*tensor 'blk.0.ffn_up.weight' has invalid data/,
    );
    expect(await leftovers()).toEqual([]);
  });
});

/** A level that takes long, stopped when its child is at work. */
async function quantizeSlowly(
  model: string,
  signal?: AbortSignal,
): Promise<{ answer: Promise<string>; child: number }> {
  const before = await childrenOf(server.pid);
  const answer = client
    .post("/api/create", { model, from: SOURCE, quantize: "iq3_s" }, signal)
    .then((response) => response.text())
    .catch((error: Error) => error.name);
  let child = 0;
  await until("a job is running", async () => {
    child = (await childrenOf(server.pid)).find((pid) => !before.includes(pid)) ?? 0;
    return child !== 0 && (await leftovers()).length === 1;
  });
  return { answer, child };
}

test(
  "a client that goes away ends the job and its file",
  async () => {
    const controller = new AbortController();
    const { answer, child } = await quantizeSlowly("never", controller.signal);
    controller.abort();
    expect(await answer).toBe("AbortError");
    await until("the job is gone", () => !isAlive(child));
    await until("its file is gone", async () => (await leftovers()).length === 0);
    expect((await client.post("/api/show", { model: "never" })).status).toBe(404);
  },
  LIMIT_MS,
);

test(
  "a job that is killed is told as such, and the server lives on",
  async () => {
    const { answer, child } = await quantizeSlowly("never");
    process.kill(child, "SIGKILL");
    expect(await answer).toContain("the quantization ended unexpectedly (killed; the machine may be out of memory)");
    expect(await leftovers()).toEqual([]);
    expect((await client.post("/api/show", { model: SOURCE })).status).toBe(200);
  },
  LIMIT_MS,
);

test("a disk that is full is called that", async () => {
  const sourcePath = join(server.home.path, "source.gguf");
  await writeFile(sourcePath, layoutBytes(layout));
  const { directory } = await prepareLibraries(server.home.path);
  const job = { sourcePath, targetPath: "/dev/full", fileType: 7, threads: 1, libraryDir: directory };
  const end = async () => {
    for await (const _ of quantizeFile(
      job,
      { runnerCage: true, stallTimeoutMs: 30_000 },
      new AbortController().signal,
    ));
  };
  expect((await rejection(end())).message).toBe(
    "the quantized model could not be written: the disk is full or failing",
  );
});

test("a split GGUF is one model, whichever shard FROM names", async () => {
  const folder = server.home.path;
  const shards = splitGguf("part", layout, 3);
  for (const { name, bytes } of shards) await writeFile(join(folder, name), bytes);
  await writeFile(join(folder, "Modelfile"), `FROM ./${shards[1]?.name ?? ""}\n`);
  const made = await runProgram(["create", "whole"], { env: server.env, cwd: folder });
  expect([made.exit, made.stderr]).toEqual([0, expect.stringContaining("merging 3 shards") as string]);
  expect((await show("whole")).modelfile).toContain(/^FROM .*$/m.exec((await show(SOURCE)).modelfile)?.[0] ?? "?");
  await rm(join(folder, shards[2]?.name ?? ""));
  const cut = await runProgram(["create", "cut"], { env: server.env, cwd: folder });
  expect([cut.exit, cut.stderr]).toEqual([1, expect.stringContaining("part-00003-of-00003.gguf missing") as string]);
});

test("the command line shows the level and -q works from a Modelfile", async () => {
  const folder = server.home.path;
  await writeFile(join(folder, "tiny.gguf"), tinyGguf("llama"));
  await writeFile(join(folder, "Modelfile"), "FROM ./tiny.gguf\n");
  const made = await runProgram(["create", "mine", "-q", "q8_0"], { env: server.env, cwd: folder });
  expect([made.exit, made.stderr]).toEqual([0, expect.stringContaining("quantizing F32 model to Q8_0") as string]);
  const shown = await runProgram(["show", "mine"], { env: server.env });
  expect(shown.stdout).toMatch(/quantization\s+Q8_0/);
});
