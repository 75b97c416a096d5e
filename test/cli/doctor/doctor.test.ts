// What `ollama doctor` makes of the facts, and the command as a whole.

import { expect, test } from "bun:test";
import { chmodSync, existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseHost } from "../../../src/base/host.ts";
import { type Finding, isFailure } from "../../../src/cli/doctor/finding.ts";
import { judgeCpuLibrary, judgeGpu, judgeMemory, judgeProcessors } from "../../../src/cli/doctor/machine.ts";
import { judgeEngines, judgeExposure, judgePort, statedExposure } from "../../../src/cli/doctor/network.ts";
import { damaged } from "../../../src/cli/doctor/stored-models.ts";
import { judgeDisk, judgeModelsDir, judgeMount, modelsDirFacts } from "../../../src/cli/doctor/places.ts";
import { renderFindings } from "../../../src/cli/doctor/report.ts";
import { judgeService, judgeWsl, parseServiceState } from "../../../src/cli/doctor/surroundings.ts";
import { VERSION } from "../../../src/version.ts";
import { runProgram } from "../../support/program.ts";
import { TestScreen } from "../../support/screen.ts";
import { tempHome } from "../../support/temp-home.ts";

const GiB = 2 ** 30;
const gpu = { description: "GeForce", totalBytes: 8 * GiB, freeBytes: 6 * GiB };
const found = (gpus: readonly (typeof gpu)[] = [], gpuProblems: readonly string[] = []) => ({
  kind: "found" as const,
  engine: { cpuLibrary: "libggml-cpu-haswell.so", gpus, gpuProblems },
});
const failed = { kind: "failed" as const, reason: "SIGILL" };

/** Every finding that is not fine says what to do. */
function levels(...findings: Finding[]): string[] {
  for (const finding of findings) if (isFailure(finding)) expect(finding.advice ?? "").not.toBe("");
  return findings.map(({ level }) => level);
}

test("the CPU library that was proved is named; without one nothing can run", () => {
  expect(judgeCpuLibrary(found(), " A CPU ").summary).toBe("libggml-cpu-haswell.so, for A CPU");
  expect(levels(judgeCpuLibrary(failed, "A CPU"))).toEqual(["problem"]);
});

test("a GPU that works is shown; one that the system has and nothing uses is a warning; none is a fact", () => {
  expect(judgeGpu(found([gpu]))).toEqual([{ check: "gpu", level: "ok", summary: "GeForce, 6.0 GiB of 8.0 GiB free" }]);
  expect(levels(...judgeGpu(found([gpu], ["another does not load"])))).toEqual(["ok", "warning"]);
  expect(levels(...judgeGpu(found([], ["its driver shows no device"])))).toEqual(["warning"]);
  expect(levels(...judgeGpu(found()))).toEqual(["note"]);
  expect(judgeGpu(failed)).toEqual([]);
});

test("memory: what fits is named, and too little for the smallest model is a problem", () => {
  const roomy = judgeMemory({ totalBytes: 8 * GiB, availableBytes: 4 * GiB });
  expect(roomy.summary).toBe("4.0 GiB of 8.0 GiB available; enough for models like gemma3 (3.3 GB)");
  expect(levels(judgeMemory({ totalBytes: GiB, availableBytes: GiB / 4 }))).toEqual(["problem"]);
  expect(levels(judgeProcessors({ present: 8, usable: 4 }), judgeProcessors({ present: 8, usable: 2 }))).toEqual([
    "ok",
    "note",
  ]);
});

test("the models directory: absent, a file, and folders that may not be entered, read or written", async () => {
  const judged = (facts: Parameters<typeof judgeModelsDir>[1]) => judgeModelsDir("/m", facts);
  expect(
    levels(
      judged({ kind: "absent" }),
      judged({ kind: "absent", unwritable: "/" }),
      judged({ kind: "absent", closedParent: "/" }),
      judged({ kind: "other" }),
      judged({ kind: "directory" }),
      judged({ kind: "directory", unwritable: "/m" }),
      judged({ kind: "directory", unreadable: "/m/blobs" }),
    ),
  ).toEqual(["ok", "problem", "problem", "problem", "ok", "warning", "problem"]);
  await using home = await tempHome();
  expect(modelsDirFacts(home.modelsDir)).toEqual({ kind: "absent", unwritable: undefined });
  await writeFile(home.modelsDir, "");
  expect(modelsDirFacts(home.modelsDir).kind).toBe("other");
  await rm(home.modelsDir);
  await mkdir(join(home.modelsDir, "blobs"), { recursive: true });
  expect(modelsDirFacts(home.modelsDir)).toEqual({ kind: "directory", unreadable: undefined, unwritable: undefined });
});

// Nothing is closed to root.
test.if(process.getuid?.() !== 0 && process.platform !== "win32")("permissions are those of this user", async () => {
  await using home = await tempHome();
  const blobs = join(home.modelsDir, "blobs");
  await mkdir(blobs, { recursive: true });
  chmodSync(blobs, 0o500);
  expect(modelsDirFacts(home.modelsDir).unwritable).toBe(blobs);
  chmodSync(blobs, 0o000);
  expect(modelsDirFacts(home.modelsDir).unreadable).toBe(blobs);
  chmodSync(blobs, 0o700);
});

test("free space, and drives on which models load slowly", () => {
  expect(levels(...[20e9, 5e9, 5e8, undefined].map((bytes) => judgeDisk("/m", bytes)))).toEqual([
    "ok",
    "warning",
    "problem",
    "note",
  ]);
  expect(judgeMount("/mnt/c/m", { point: "/mnt/c", type: "9p" })).toMatchObject([
    { level: "warning", summary: expect.stringContaining("a Windows drive seen from WSL") },
  ]);
  expect(judgeMount("/m", { point: "/", type: "ext4" })).toEqual([]);
  expect(judgeMount("/m", undefined)).toEqual([]);
});

test("the port: this server, another version, another program, nothing, another machine", () => {
  const host = parseHost("127.0.0.1:11434");
  const silent = { kind: "silent", reason: "refused" } as const;
  const answered = (version: string) => ({ kind: "answered", version }) as const;
  const listener = { address: "127.0.0.1", process: { pid: 7, name: "nginx" } };
  const taken = judgePort(host, silent, [listener]);
  expect(taken.summary).toBe(
    "127.0.0.1:11434 is taken by something that is no Ollama server, held by nginx (process 7)",
  );
  const hidden = judgePort(host, silent, [{ address: "127.0.0.1", process: undefined }]);
  expect(hidden.advice).toStartWith("Find it with sudo ss -ltnp 'sport = :11434'");
  expect(
    levels(
      judgePort(host, answered(VERSION), undefined),
      judgePort(host, answered("0.1"), []),
      taken,
      hidden,
      judgePort(host, silent, []),
      judgePort(host, silent, undefined),
      judgePort(host, { kind: "locked" }, [listener]),
    ),
  ).toEqual(["ok", "note", "problem", "problem", "note", "warning", "warning"]);
});

test("a server that others can use without a key is a warning, whatever this shell's settings say", () => {
  const [local, all] = [parseHost(""), parseHost("0.0.0.0")];
  const exposed = (access: "open" | "key needed" | "closed") => ({ address: "10.0.0.2", access });
  expect(
    levels(
      judgeExposure(local, exposed("open")),
      judgeExposure(all, exposed("open")),
      judgeExposure(all, exposed("key needed")),
      judgeExposure(all, undefined),
      judgeExposure(local, exposed("closed")),
      judgeExposure(local, undefined),
      judgeExposure(parseHost("example.com"), undefined),
    ),
  ).toEqual(["warning", "warning", "ok", "warning", "ok", "ok", "note"]);
});

test("what the server says of its own access is believed", () => {
  const said = { listen: "0.0.0.0:11434", exposed: true, keys_required: false, keys: 0, remote_management: false };
  const access = (facts: Partial<typeof said>) => statedExposure({ ...said, ...facts }).access;
  expect([
    access({}),
    access({ remote_management: true }),
    access({ keys_required: true }),
    access({ exposed: false }),
  ]).toEqual(["open", "managed", "key needed", "closed"]);
  expect(judgeExposure(parseHost(""), statedExposure({ ...said, remote_management: true })).summary).toBe(
    "anyone who reaches 0.0.0.0:11434 can use, replace and delete its models",
  );
});

test("a server that asks for a key is a server, and the advice is to send one", async () => {
  await using home = await tempHome();
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(null, { status: 401 }) });
  const env = { ...home.env, OLLAMA_HOST: `127.0.0.1:${server.port}` };
  const { stdout } = await runProgram(["doctor", "--json"], { env });
  await server.stop(true);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  expect(findings.find(({ check }) => check === "server")).toMatchObject({
    level: "warning",
    summary: expect.stringContaining("answers, but not without an API key"),
    advice: expect.stringContaining("OLLAMA_API_KEY"),
  });
}, 60_000);

test("damage that could be noted needs a pull only; else the file stands in its way", () => {
  const damage = { path: "/m/blobs/sha256-aa", reason: "its content does not have its hash", models: ["a:1", "b:1"] };
  expect(damaged({ ...damage, isMarked: true }).advice).toStartWith(
    "Fetch it again with 'ollama pull a:1' and 'ollama pull b:1'; ",
  );
  expect(damaged({ ...damage, isMarked: false }).advice).toStartWith("Delete that file, then fetch it again with ");
  expect(damaged({ ...damage, reason: "missing", isMarked: false }).advice).toStartWith("Fetch it again");
});

test("the models that are looked at are the running server's, wherever it keeps them", async () => {
  await using home = await tempHome();
  await using other = await tempHome();
  const manifest = join(other.modelsDir, "manifests/registry.ollama.ai/library/theirs");
  await mkdir(manifest, { recursive: true });
  await writeFile(join(manifest, "latest"), "{");
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => Response.json(url.endsWith("/api/store") ? { models: other.modelsDir } : { version: VERSION }),
  });
  const env = { ...home.env, OLLAMA_HOST: `127.0.0.1:${server.port}` };
  const { stdout } = await runProgram(["doctor", "--json", "--models"], { env });
  await server.stop(true);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  const summary = (check: string) => findings.find((finding) => finding.check === check)?.summary;
  expect(summary("models directory")).toBe(`${other.modelsDir}, says the server (of this account: ${home.modelsDir})`);
  expect(summary("models")).toStartWith("theirs:latest: its manifest cannot be read");
}, 60_000);

test("the service's state is systemd's", () => {
  const state = (load: string, active: string, result = "success") =>
    parseServiceState("system", `LoadState=${load}\nActiveState=${active}\nUnitFileState=enabled\nResult=${result}\n`);
  expect(parseServiceState("user", "")).toBeUndefined();
  expect(
    levels(
      judgeService(undefined),
      judgeService(state("loaded", "active")),
      judgeService(state("loaded", "inactive")),
      judgeService(state("loaded", "failed", "exit-code")),
      judgeService(state("masked", "inactive")),
    ),
  ).toEqual(["note", "ok", "note", "problem", "problem"]);
});

test("WSL is told apart by its kernel", () => {
  expect(judgeWsl("6.8.0-45-generic", GiB)).toEqual([]);
  expect(levels(...judgeWsl("4.4.0-19041-Microsoft", GiB))).toEqual(["problem"]);
  expect(levels(...judgeWsl("5.15.153.1-microsoft-standard-WSL2", GiB))).toEqual(["note"]);
});

test("the list fits a narrow terminal, and is one line each in a pipe", () => {
  const finding: Finding = {
    check: "disk",
    level: "warning",
    summary: "a long tale of what is the matter",
    advice: "do this and that, then look again",
  };
  const narrow = new TestScreen(40);
  narrow.write(renderFindings([finding], narrow));
  expect(narrow.lines).toEqual(
    [
      "warning   disk: a long tale of what is",
      "          the matter",
      "          → do this and that, then look",
      "          again",
      "",
    ].slice(0, narrow.lines.length),
  );
  const pipe = Object.assign(new TestScreen(40), { isTerminal: false });
  expect(renderFindings([finding], pipe)).toBe(
    "warning   disk: a long tale of what is the matter\n          → do this and that, then look again\n",
  );
});

test("the command: JSON for scripts, exit code 1 for a problem, and the blobs of --models", async () => {
  await using home = await tempHome();
  const holder = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket) => void socket.end("no http") },
  });
  const env = { ...home.env, OLLAMA_HOST: `127.0.0.1:${holder.port}`, OLLAMA_MAX_QUEUE: "many" };
  const manifest = join(home.modelsDir, "manifests/registry.ollama.ai/library/broken");
  await mkdir(manifest, { recursive: true });
  await writeFile(join(manifest, "latest"), "{");
  const { exit, stdout, stderr } = await runProgram(["doctor", "--json", "--models"], { env });
  holder.stop(true);
  expect(exit).toBe(1);
  expect(stderr).toEndWith("Error: 2 problems were found\n");
  const report = JSON.parse(stdout) as { ok: boolean; version: string; findings: Finding[] };
  expect([report.ok, report.version]).toEqual([false, VERSION]);
  const by = (check: string) => report.findings.filter((finding) => finding.check === check);
  expect(by("server")).toMatchObject([{ level: "problem" }]);
  expect(by("server")[0]?.summary).toContain(process.platform === "linux" ? `(process ${process.pid})` : "taken");
  expect(by("settings")).toMatchObject([
    { level: "warning", summary: expect.stringContaining("OLLAMA_MAX_QUEUE=many") },
  ]);
  expect(by("cpu library")).toMatchObject([{ level: "ok" }]);
  expect(by("models")).toMatchObject([
    { level: "problem", summary: expect.stringContaining("broken:latest: its manifest") },
  ]);
  expect(existsSync(join(home.modelsDir, "blobs"))).toBe(false);
}, 60_000);

test("an engine elsewhere that cannot be reached is a problem, with the model it serves and what to do", () => {
  const model = { name: "big:latest", model: "big:latest", size: 0, digest: "", size_vram: 0, context_length: 8192 };
  const shown = { ...model, details: {}, expires_at: "2026-01-01T00:00:00Z", remote_model: "b" };
  const models = [
    { ...shown, remote_host: "https://up.example" },
    { ...shown, remote_host: "https://down.example", remote_failure: "connection refused" },
    { ...shown, size: 5 },
  ];
  const findings = judgeEngines({ models } as unknown as Parameters<typeof judgeEngines>[0]);
  expect(levels(...findings)).toEqual(["ok", "problem"]);
  expect(findings[1]?.summary).toContain("https://down.example, which serves big:latest");
});
