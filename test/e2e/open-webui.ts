// Open WebUI for the test that is asked for by name (`npm run test:webui`): its own program, installed once outside the checkout
// (1.7 GB), each start with a data folder of its own and without a network beyond this machine.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { freePort } from "../support/server.ts";
import { tempHome } from "../support/temp-home.ts";
import { python } from "./python-environment.ts";

const requirements = join(import.meta.dir, "python/open-webui.txt");
const overrides = join(import.meta.dir, "python/open-webui-overrides.txt");
const START_MS = 120_000;

/** The folder of the virtual environment. Throws, with what the installer said, when it cannot be made. */
async function installed(): Promise<string> {
  const cache = process.env["OLLAMA_TEST_PYTHON"] ?? join(homedir(), ".cache", "ollama-bun-python");
  const hash = createHash("sha256").update(readFileSync(requirements)).update(readFileSync(overrides)).digest("hex");
  const folder = join(cache, `open-webui-${hash.slice(0, 16)}`);
  const whole = join(folder, "whole");
  if (existsSync(whole)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  const bin = join(folder, "bin");
  await run([python, "-m", "venv", folder]);
  await run([join(bin, "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"]);
  const install = [join(bin, "uv"), "pip", "install", "--python", join(bin, "python")];
  await run([...install, "--overrides", overrides, "-r", requirements]);
  writeFileSync(whole, "");
  return folder;
}

async function run(command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const [errors, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (code !== 0) throw new Error(`${command.join(" ")} failed (${code}):\n${errors.slice(-4000)}`);
}

export class OpenWebui implements AsyncDisposable {
  #token = "";

  private constructor(
    readonly baseUrl: string,
    private readonly end: () => Promise<void>,
  ) {}

  static async start(ollamaUrl: string, embeddingModel: string): Promise<OpenWebui> {
    const folder = await installed();
    const home = await tempHome();
    const port = await freePort();
    const child = Bun.spawn([join(folder, "bin/open-webui"), "serve", "--host", "127.0.0.1", "--port", String(port)], {
      cwd: home.path,
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: home.path,
        DATA_DIR: join(home.path, "data"),
        WEBUI_SECRET_KEY: "a secret of thirty-two bytes, all told",
        WEBUI_AUTH: "False",
        OLLAMA_BASE_URL: ollamaUrl,
        ENABLE_OPENAI_API: "False",
        RAG_EMBEDDING_ENGINE: "ollama",
        RAG_EMBEDDING_MODEL: embeddingModel,
        RAG_OLLAMA_BASE_URL: ollamaUrl,
        OFFLINE_MODE: "True",
        HF_HUB_OFFLINE: "1",
        ANONYMIZED_TELEMETRY: "False",
        DO_NOT_TRACK: "True",
        SCARF_NO_ANALYTICS: "True",
        NO_PROXY: "*",
        no_proxy: "*",
      },
      stdin: "ignore",
      stdout: Bun.file(join(home.path, "log")),
      stderr: Bun.file(join(home.path, "log")),
    });
    const webui = new OpenWebui(`http://127.0.0.1:${port}`, async () => {
      // It waits for its own streams when it is asked to end.
      child.kill("SIGKILL");
      await child.exited;
      await home[Symbol.asyncDispose]();
    });
    const endMs = Date.now() + START_MS;
    // There is no event to wait for: another process begins to listen.
    while ((await fetch(`${webui.baseUrl}/health`).catch(() => undefined))?.ok !== true) {
      if (Date.now() > endMs || child.exitCode !== null) {
        const log = await Bun.file(join(home.path, "log")).text();
        await webui[Symbol.asyncDispose]();
        throw new Error(`Open WebUI did not start:\n${log.slice(-4000)}`);
      }
      await Bun.sleep(250);
    }
    // What its page sends when nobody need sign in.
    webui.#token = (await webui.json<{ token: string }>("/api/v1/auths/signin", { email: "", password: "" })).token;
    return webui;
  }

  fetch(path: string, body?: unknown, init: RequestInit = {}): Promise<Response> {
    const isForm = body instanceof FormData;
    return fetch(`${this.baseUrl}${path}`, {
      method: body === undefined ? "GET" : "POST",
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
      ...init,
      headers: {
        ...(this.#token === "" ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(isForm ? {} : { "content-type": "application/json" }),
      },
    });
  }

  async text(path: string, body?: unknown, init?: RequestInit): Promise<string> {
    const response = await this.fetch(path, body, init);
    const text = await response.text();
    return response.ok ? text : `${response.status} ${text}`;
  }

  async json<T>(path: string, body?: unknown, init?: RequestInit): Promise<T> {
    const text = await this.text(path, body, init);
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new Error(`${path}: ${text.slice(0, 1000)}`);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}
