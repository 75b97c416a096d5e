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

  /** The last of an answer's lines of JSON. */
  async lastLine(path: string, body: unknown, init?: RequestInit): Promise<unknown> {
    return JSON.parse((await this.text(path, body, init)).trim().split("\n").at(-1) ?? "");
  }

  /** Makes this the only Ollama it knows. */
  async connect(url: string, key?: string): Promise<void> {
    await this.json("/ollama/config/update", {
      ENABLE_OLLAMA_API: true,
      OLLAMA_BASE_URLS: [url],
      OLLAMA_API_CONFIGS: { "0": { enable: true, ...(key === undefined ? {} : { key }) } },
    });
    await this.json("/api/models?refresh=true");
  }

  /** The same for its connections to OpenAI; the names of the models there begin with "v1." */
  async connectOpenAi(url: string, key: string): Promise<void> {
    await this.json("/openai/config/update", {
      ENABLE_OPENAI_API: true,
      OPENAI_API_BASE_URLS: [url],
      OPENAI_API_KEYS: [key],
      OPENAI_API_CONFIGS: { "0": { enable: true, prefix_id: "v1" } },
    });
    await this.json("/api/models?refresh=true");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

export interface Completion {
  readonly choices: readonly {
    readonly message: {
      readonly role: string;
      readonly content: string;
      readonly tool_calls?: readonly { id: string; function: { name: string; arguments: string } }[];
    };
  }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
  readonly sources?: readonly { readonly document: readonly string[] }[];
}

/** What the chunks of a stream of completions say. */
export function joined(events: string): string {
  const lines = events.split("\n").filter((line) => line.startsWith("data: {"));
  const chunks = lines.map((line) => JSON.parse(line.slice(6)) as { choices?: { delta?: { content?: string } }[] });
  return chunks.map((each) => each.choices?.[0]?.delta?.content ?? "").join("");
}
