// Runners and jobs seen from outside: what /proc says about them, and what the kernel answers to the same program in the same cage
// when it tries what an attack would try.

import { expect, test } from "bun:test";
import { mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../support/program.ts";
import { layoutBytes } from "../support/tiny-gguf.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { wideLlamaLayout } from "../support/wide-llama.ts";
import { childrenOf, isAlive, NativeClient, until } from "./native-client.ts";

const LIMIT_MS = 60_000;
const EPERM = 1;
const SECRET = "never-to-be-seen";
const linuxTest = test.skipIf(process.platform !== "linux");

async function serverWithModels(
  env: Record<string, string> = {},
): Promise<{ server: TestServer; client: NativeClient }> {
  const server = await startServer({ env });
  const client = new NativeClient(server);
  await client.createTiny("mine", "llama", 1);
  await client.createTiny("other", "llama", 2);
  return { server, client };
}

async function modelFiles(client: NativeClient, model: string): Promise<string> {
  const { modelfile } = await client.ask<{ modelfile: string }>("/api/show", { model });
  return /^FROM (.*)$/m.exec(modelfile)?.[1] ?? "";
}

async function statusOf(pid: number): Promise<Record<string, string>> {
  const lines = (await readFile(`/proc/${pid}/status`, "utf8")).split("\n").map((line) => line.split(":\t"));
  return Object.fromEntries(lines.map(([key = "", value = ""]) => [key, value.trim()]));
}

/** Gave up its privileges, has the filter in every thread, is its own group, and holds no file but `files`. */
async function expectCaged(pid: number, files: readonly string[] = []): Promise<void> {
  for (const task of await readdir(`/proc/${pid}/task`)) {
    const status = await statusOf(Number(task));
    expect([task, status["NoNewPrivs"], status["Seccomp"]]).toEqual([task, "1", "2"]);
  }
  const group = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.split(" ").slice(2, 4);
  expect(group).toEqual([String(pid), String(pid)]);
  const limits = await readFile(`/proc/${pid}/limits`, "utf8");
  expect(limits).toMatch(/^Max core file size +0 +0/m);
  expect(limits).toMatch(/^Max data size +\d{6,} +\d{6,}/m);
  expect(await readFile(`/proc/${pid}/environ`, "utf8")).not.toContain(SECRET);
  const own = await Promise.all(
    (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")),
  );
  const foreign = own.filter((target) => target.startsWith("/") && target !== "/dev/null" && !files.includes(target));
  expect(foreign).toEqual([]);
}

linuxTest(
  "a running runner has no new privileges, a filter in every thread, a group of its own and no descriptor of the server's",
  async () => {
    const { server, client } = await serverWithModels({ HF_TOKEN: SECRET });
    await using _ = server;
    await client.generate("mine", "hi");
    const [pid = 0] = await childrenOf(server.pid);
    await expectCaged(pid);
    expect(Number(await readFile(`/proc/${pid}/oom_score_adj`, "utf8"))).toBeGreaterThan(
      Number(await readFile(`/proc/${server.pid}/oom_score_adj`, "utf8")),
    );
    expect(server.log()).toMatch(/cage="privileges, system calls, files \(Landlock \d+\), memory"/);
    expect(server.log()).not.toContain("not fully confined");
  },
  LIMIT_MS,
);

linuxTest(
  "in a runner's cage another model cannot be opened, nothing can be connected, started, signalled or changed",
  async () => {
    const { server, client } = await serverWithModels();
    await using _ = server;
    await client.generate("mine", "hi");
    const [mine, other] = await Promise.all(["mine", "other"].map((model) => modelFiles(client, model)));
    const state = join(server.home.path, "cache/ollama/state");
    const [own, foreign] = [join(state, "own"), join(state, "foreign")];
    for (const directory of [own, foreign]) await mkdir(directory, { recursive: true });
    await writeFile(join(foreign, "a.state"), "another conversation");
    const libraryDir = /directory=(\S+)/.exec(server.log())?.[1] ?? "";
    const attempts = {
      of: { request: { modelPath: mine, adapters: [], libraryDir, backendFiles: [], stateDir: own } },
      read: [
        mine,
        other,
        "/etc/passwd",
        join(foreign, "a.state"),
        join(server.home.modelsDir, "manifests"),
        `/proc/${server.pid}/environ`,
      ],
      write: [
        join(own, "b.state"),
        join(foreign, "b.state"),
        mine,
        join(server.home.modelsDir, "blobs/evil"),
        "/tmp/evil",
      ],
    };
    const { exit, stdout, stderr } = await runProgram(["prove-cage", JSON.stringify(attempts)], { env: server.env });
    expect([exit, stderr]).toEqual([0, ""]);
    const proof = JSON.parse(stdout) as {
      report: { files: { version: number }; problems: string[] };
      read: string[];
      write: string[];
      calls: Record<string, number>;
    };
    expect(proof.report.problems).toEqual([]);
    expect(proof.read).toEqual(["done", ...Array<string>(5).fill("EACCES")]);
    expect(proof.write).toEqual(["done", ...Array<string>(4).fill("EACCES")]);
    expect(Object.keys(proof.calls)).toHaveLength(10);
    expect(Object.entries(proof.calls).filter(([, error]) => error !== EPERM)).toEqual([]);
  },
  LIMIT_MS,
);

linuxTest(
  "conversation states are still written, and the server keeps those of all models under the limit",
  async () => {
    const { server, client } = await serverWithModels({ OLLAMA_STATE_CACHE_MB: "1" });
    await using _ = server;
    const state = join(server.home.path, "cache/ollama/state");
    const files = async () => (await readdir(state, { recursive: true })).filter((name) => name.endsWith(".state"));
    await mkdir(join(state, "gone"), { recursive: true });
    await writeFile(join(state, "gone", "old.state"), Buffer.alloc(1024 * 1024));
    await client.generate("mine", "word ".repeat(100), { num_predict: 1 });
    await until("the state is on disk and the oldest has made way", async () => {
      const names = await files();
      return names.length > 0 && !names.includes("gone/old.state");
    });
  },
  LIMIT_MS,
);

linuxTest(
  "switched off, it says so, and privileges are given up all the same",
  async () => {
    const { server, client } = await serverWithModels({ OLLAMA_RUNNER_CAGE: "0" });
    await using _ = server;
    await client.generate("mine", "hi");
    const [pid = 0] = await childrenOf(server.pid);
    const status = await statusOf(pid);
    expect([status["NoNewPrivs"], status["Seccomp"]]).toEqual(["1", "0"]);
    expect(server.log()).toContain("runners are not fully confined");
    expect(server.log()).toContain("OLLAMA_RUNNER_CAGE");
  },
  LIMIT_MS,
);

linuxTest(
  "a job is in the same cage, with its input and its output alone",
  async () => {
    const { server, client } = await serverWithModels({ HF_TOKEN: SECRET });
    await using _ = server;
    await client.createFromBytes("wide", layoutBytes(wideLlamaLayout()));
    const controller = new AbortController();
    const answer = client
      .post("/api/create", { model: "small", from: "wide", quantize: "iq3_s" }, controller.signal)
      .then((response) => response.text())
      .catch((error: Error) => error.name);
    await until("the job has begun", () => server.log().includes('work="the quantization"'));
    const [pid = 0] = await childrenOf(server.pid);
    process.kill(pid, "SIGSTOP");
    const blobs = join(server.home.modelsDir, "blobs");
    const output = (await readdir(blobs)).find((name) => !name.startsWith("sha256-")) ?? "";
    await expectCaged(pid, [await modelFiles(client, "wide"), join(blobs, output)]);
    expect(server.log()).toMatch(/job started.*cage="privileges, system calls, files \(Landlock \d+\), memory"/);
    controller.abort();
    expect(await answer).toBe("AbortError");
    await until("the job is gone", () => !isAlive(pid));
  },
  LIMIT_MS,
);

linuxTest(
  "in a job's cage no other model can be read, and nothing but its output written",
  async () => {
    const { server, client } = await serverWithModels();
    await using _ = server;
    await client.generate("mine", "hi");
    const [mine, other] = await Promise.all(["mine", "other"].map((model) => modelFiles(client, model)));
    const output = join(server.home.modelsDir, "blobs/output");
    await writeFile(output, "");
    const libraryDir = /directory=(\S+)/.exec(server.log())?.[1] ?? "";
    const attempts = {
      of: { job: { inputs: [mine], outputs: [output] }, libraryDir },
      read: [mine, other, "/etc/passwd", join(server.home.modelsDir, "manifests"), `/proc/${server.pid}/environ`],
      write: [output, mine, other, join(server.home.modelsDir, "blobs/evil"), "/tmp/evil"],
    };
    const { exit, stdout, stderr } = await runProgram(["prove-cage", JSON.stringify(attempts)], { env: server.env });
    expect([exit, stderr]).toEqual([0, ""]);
    const proof = JSON.parse(stdout) as { read: string[]; write: string[]; calls: Record<string, number> };
    expect(proof.read).toEqual(["done", ...Array<string>(4).fill("EACCES")]);
    expect(proof.write).toEqual(["done", ...Array<string>(4).fill("EACCES")]);
    expect(Object.entries(proof.calls).filter(([, error]) => error !== EPERM)).toEqual([]);
  },
  LIMIT_MS,
);

linuxTest(
  "a job whose cage is switched off works, and says so",
  async () => {
    const { server, client } = await serverWithModels({ OLLAMA_RUNNER_CAGE: "0" });
    await using _ = server;
    await client.createFromBytes("wide", layoutBytes(wideLlamaLayout()));
    await client.ask("/api/create", { model: "small", from: "wide", quantize: "q8_0", stream: false });
    expect(server.log()).toContain("jobs are not fully confined");
  },
  LIMIT_MS,
);
