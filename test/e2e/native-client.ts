// What the heavy tests say to a server: models made of GGUF bytes, prompts, and what comes back.

import { digestOf } from "../../src/base/digest.ts";
import type { TestServer } from "../support/server.ts";
import { tinyGguf, type TinyModel } from "../support/tiny-gguf.ts";

export interface Answer {
  readonly response: string;
  readonly done_reason: string;
  readonly context?: readonly number[];
  readonly eval_count?: number;
  readonly prompt_eval_count?: number;
  readonly prompt_cached_count?: number;
  readonly load_duration?: number;
  readonly draft_count?: number;
  readonly draft_accepted_count?: number;
  readonly logprobs?: readonly LogprobStep[];
}

export interface LogprobStep {
  readonly token: string;
  readonly logprob: number;
  readonly top_logprobs?: readonly { readonly token: string; readonly logprob: number }[];
}

export interface RunningModel {
  readonly name: string;
  readonly expires_at: string;
  readonly context_length: number;
}

type Body = Readonly<Record<string, unknown>>;

export class NativeClient {
  constructor(private readonly server: Pick<TestServer, "baseUrl">) {}

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.server.baseUrl}${path}`, { ...init });
  }

  post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
    return this.fetch(path, {
      method: "POST",
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** Throws the server's error text. */
  async ask<T>(path: string, body: Body, signal?: AbortSignal): Promise<T> {
    const response = await this.post(path, { stream: false, ...body }, signal);
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  generate(model: string, prompt: string, options: Body = {}, more: Body = {}): Promise<Answer> {
    return this.ask<Answer>("/api/generate", {
      model,
      prompt,
      options: { temperature: 0, num_predict: 16, ...options },
      ...more,
    });
  }

  /** Throws unless the model answers to an end. */
  async works(model: string): Promise<void> {
    const { done_reason: reason } = await this.generate(model, "hi");
    if (reason !== "stop" && reason !== "length") throw new Error(`${model} ended with ${reason}`);
  }

  async createFromBytes(model: string, bytes: Uint8Array | Blob): Promise<void> {
    const digest = digestOf(bytes instanceof Blob ? new Uint8Array(await bytes.arrayBuffer()) : bytes);
    const upload = await this.fetch(`/api/blobs/${digest}`, { method: "POST", body: bytes });
    if (!upload.ok) throw new Error(`upload: ${upload.status} ${await upload.text()}`);
    await this.ask("/api/create", { model, files: { "model.gguf": digest } });
  }

  createTiny(model: string, kind: TinyModel, seed = 1): Promise<void> {
    return this.createFromBytes(model, tinyGguf(kind, seed));
  }

  async running(): Promise<RunningModel[]> {
    return ((await (await this.fetch("/api/ps")).json()) as { models: RunningModel[] }).models;
  }
}

/** Child processes of `pid`, from the process table. */
export async function childrenOf(pid: number): Promise<number[]> {
  const output = await new Response(Bun.spawn(["ps", "-o", "pid=,stat=", "--ppid", String(pid)]).stdout).text();
  return output
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([id, state]) => id !== undefined && id !== "" && state?.startsWith("Z") === false)
    .map(([id]) => Number(id));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits for what no event tells: another process's state. Throws when it does not come about in time. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 15_000): Promise<void> {
  const endMs = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await Bun.sleep(25);
  }
}
