// The real application around a scripted model: every request goes through routing, parsing, translation and encoding.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../../src/base/errors.ts";
import { readConfig } from "../../../src/config.ts";
import type { ModelName } from "../../../src/models/name.ts";
import { ModelStore } from "../../../src/models/store.ts";
import { Registry } from "../../../src/registry/registry.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { type App, createApp } from "../../../src/server/app.ts";
import { browserPolicy } from "../../../src/server/hosts.ts";
import { ScriptedModel } from "./scripted-model.ts";

export class ScriptedApp implements AsyncDisposable {
  readonly #home = mkdtempSync(join(tmpdir(), "ollama-app-"));
  readonly #scheduler: Scheduler;
  readonly #app: App;
  readonly store: ModelStore;

  constructor(readonly model: ScriptedModel = new ScriptedModel()) {
    const config = readConfig({ HOME: this.#home });
    this.store = new ModelStore(config.modelsDir);
    this.#scheduler = new Scheduler(config, () => Promise.reject(new AppError("internal", "no library in this test")));
    const inference = {
      remoteRunning: () => Promise.resolve([]),
      open: async (_: ModelName, sent: string) => {
        if (sent !== "scripted") throw new AppError("not-found", `model '${sent}' not found`);
        return this.model;
      },
    };
    const registry = new Registry(config, this.store);
    const services = { config, store: this.store, scheduler: this.#scheduler, inference, registry };
    this.#app = createApp(services, browserPolicy("", "127.0.0.1"));
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { host: "localhost", ...(init.headers as Record<string, string> | undefined) };
    return this.#app.fetch(new Request(`http://localhost${path}`, { ...init, headers }));
  }

  /** A POST of JSON; a string goes as it stands. */
  post(path: string, body: unknown): Promise<Response> {
    return this.fetch(path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) });
  }

  async json(path: string, body: unknown): Promise<{ status: number; body: Json }> {
    const response = await this.post(path, body);
    return { status: response.status, body: (await response.json()) as Json };
  }

  async sse(path: string, body: object): Promise<SseEvent[]> {
    const response = await this.post(path, { ...body, stream: true });
    const type = response.headers.get("content-type");
    if (type !== "text/event-stream") throw new Error(`not a stream: ${response.status} ${await response.text()}`);
    return readEvents(await response.text());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scheduler[Symbol.asyncDispose]();
    rmSync(this.#home, { recursive: true, force: true });
  }
}

/** JSON as tests look into it: a missing step is undefined, and the expectation fails. */
export interface Json {
  readonly [key: string]: Json;
}

/** The text that stands there. */
export function textAt(value: unknown): string {
  if (typeof value !== "string") throw new Error(`no text: ${JSON.stringify(value)}`);
  return value;
}

export interface SseEvent {
  readonly event: string | undefined;
  readonly data: Json;
  readonly raw: string;
}

export function readEvents(wire: string): SseEvent[] {
  return wire
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) => {
      const event = /^event: (.*)$/m.exec(block)?.[1];
      const raw = /^data: (.*)$/m.exec(block)?.[1] ?? "";
      return { event, raw, data: raw === "[DONE]" ? {} : (JSON.parse(raw) as Json) };
    });
}
