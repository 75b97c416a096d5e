// Other people's engines for tests that are asked for by name (OLLAMA_TEST_ENGINES). They are large, so what they need is
// installed once outside the checkout; nothing of it is part of an ordinary test run.
//   vllm          OLLAMA_TEST_VLLM names a virtual environment with vLLM for CPUs in it (docs/scale.md says how)
//   ray           OLLAMA_TEST_RAY names one with ray[serve]; Serve then balances two of our servers
//   llama-server  OLLAMA_TEST_LLAMA_SERVER names llama.cpp's server

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchSmallModel, smallModelName } from "../../scripts/small-model.mjs";
import { freePort, type TestServer } from "../support/server.ts";
import { smallModelServer } from "./small-model-server.ts";

const NAMES = ["vllm", "ray", "llama-server"] as const;
export type EngineName = (typeof NAMES)[number];

export interface Engine extends AsyncDisposable {
  readonly baseUrl: string;
  readonly model: string;
}

export function engineNames(): EngineName[] {
  const asked = (process.env["OLLAMA_TEST_ENGINES"] ?? "").split(",").filter((name) => name !== "");
  return asked.map((name) => {
    const known = NAMES.find((each) => each === name);
    if (known === undefined) throw new Error(`OLLAMA_TEST_ENGINES: ${name} is none of ${NAMES.join(", ")}`);
    return known;
  });
}

export function startEngine(name: EngineName, server: TestServer): Promise<Engine> {
  switch (name) {
    case "vllm":
      return startVllm();
    case "ray":
      return startRay(server);
    case "llama-server":
      return startLlamaServer();
    default:
      return name satisfies never;
  }
}

function place(variable: string): string {
  const path = process.env[variable] ?? "";
  if (path === "" || !existsSync(path)) throw new Error(`${variable} must name what is to be tested`);
  return path;
}

interface Started extends AsyncDisposable {
  readonly port: number;
}

async function start(
  command: (port: number) => string[],
  healthy: string,
  env: Record<string, string> = {},
): Promise<Started> {
  const port = await freePort();
  const log = join(tmpdir(), `engine-${port}.log`);
  const child = Bun.spawn(command(port), {
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: Bun.file(log),
    stderr: Bun.file(log),
  });
  const stop = async () => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    await child.exited;
    clearTimeout(timer);
  };
  for (let waited = 0; waited < 600; waited++) {
    const answer = await fetch(`http://127.0.0.1:${port}${healthy}`, { proxy: false }).catch(() => undefined);
    if (answer?.ok === true) return { port, [Symbol.asyncDispose]: stop };
    if (child.exitCode !== null) break;
    await Bun.sleep(500);
  }
  await stop();
  throw new Error(`the engine did not start:\n${(await Bun.file(log).text()).slice(-4000)}`);
}

async function startVllm(): Promise<Engine> {
  const bin = join(place("OLLAMA_TEST_VLLM"), "bin");
  const folder = await mkdtemp(join(tmpdir(), "tiny-model-"));
  const made = Bun.spawnSync([join(bin, "python"), join(import.meta.dir, "python/tiny_model.py"), folder]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  const flags = "--served-model-name tiny --host 127.0.0.1 --max-model-len 1024 --dtype float32 --enforce-eager".split(
    " ",
  );
  const started = await start(
    (port) => [join(bin, "vllm"), "serve", folder, ...flags, "--port", String(port)],
    "/health",
    {
      VLLM_CPU_KVCACHE_SPACE: "1",
      HF_HUB_OFFLINE: "1",
    },
  );
  return {
    baseUrl: `http://127.0.0.1:${started.port}/v1`,
    model: "tiny",
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startRay(first: TestServer): Promise<Engine> {
  const bin = join(place("OLLAMA_TEST_RAY"), "bin");
  const second = await smallModelServer();
  const script = join(import.meta.dir, "python/ray_front.py");
  try {
    const started = await start(
      (port) => [join(bin, "python"), script, String(port), first.baseUrl, second.baseUrl],
      "/health",
      {
        RAY_USAGE_STATS_ENABLED: "0",
      },
    );
    return {
      baseUrl: `http://127.0.0.1:${started.port}/v1`,
      model: smallModelName,
      async [Symbol.asyncDispose]() {
        await started[Symbol.asyncDispose]();
        await second[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await second[Symbol.asyncDispose]();
    throw error;
  }
}

async function startLlamaServer(): Promise<Engine> {
  const program = place("OLLAMA_TEST_LLAMA_SERVER");
  const flags = [
    "--model",
    fetchSmallModel(),
    "--alias",
    "small",
    "--host",
    "127.0.0.1",
    "--jinja",
    "--ctx-size",
    "2048",
  ];
  const started = await start((port) => [program, ...flags, "--port", String(port)], "/health");
  return {
    baseUrl: `http://127.0.0.1:${started.port}/v1`,
    model: "small",
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}
