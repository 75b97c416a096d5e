// The whole HTTP side in this process, over a models directory of its own. No runner can start: what needs one fails.

import { createApp, type App } from "../../src/server/app.ts";
import { browserPolicy } from "../../src/server/hosts.ts";
import { readConfig } from "../../src/config.ts";
import { AppError } from "../../src/base/errors.ts";
import { Inference } from "../../src/inference/inference.ts";
import type { ModelStore } from "../../src/models/store.ts";
import { Registry } from "../../src/registry/registry.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { create, tempStore, upload } from "../models/temp-store.ts";
import { tinyGguf, type TinyModel } from "../support/tiny-gguf.ts";

export interface TestApp extends AsyncDisposable {
  readonly store: ModelStore;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown, method?: string): Promise<Response>;
  addModel(name: string, kind: TinyModel): Promise<void>;
}

export const NO_LIBRARIES = "this test has no inference libraries";

export async function testApp(
  options: { origins?: string; boundHost?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<TestApp> {
  const { store, [Symbol.asyncDispose]: removeStore } = await tempStore();
  const config = readConfig({ HOME: store.directory, OLLAMA_MODELS: store.directory, ...options.env });
  const scheduler = new Scheduler(config, () => Promise.reject(new AppError("internal", NO_LIBRARIES)));
  const inference = new Inference(store, scheduler, config);
  const policy = browserPolicy(options.origins ?? "", options.boundHost ?? "127.0.0.1");
  const app: App = createApp({ config, store, scheduler, inference, registry: new Registry(config, store) }, policy);
  const call = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (!headers.has("host")) headers.set("host", "127.0.0.1:11434");
    return app.fetch(new Request(new URL(path, "http://127.0.0.1:11434").href, { ...init, headers }));
  };
  return {
    store,
    fetch: call,
    post: (path, body, method = "POST") =>
      call(path, { method, body: typeof body === "string" ? body : JSON.stringify(body) }),
    addModel: async (name, kind) => {
      await create(store, { model: name, files: { "m.gguf": await upload(store, tinyGguf(kind)) } });
    },
    async [Symbol.asyncDispose]() {
      await scheduler[Symbol.asyncDispose]();
      await removeStore();
    },
  };
}

export async function errorOf(response: Response): Promise<[status: number, error: string]> {
  const body = (await response.json()) as { error?: string };
  return [response.status, body.error ?? ""];
}
