// The real HTTP application with models that a fake engine serves.

import { readConfig } from "../../src/config.ts";
import { AppError } from "../../src/base/errors.ts";
import { Inference } from "../../src/inference/inference.ts";
import { Registry } from "../../src/registry/registry.ts";
import { type AllowedRemote, writeAllowed } from "../../src/remotes/allowed-remotes.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { createApp } from "../../src/server/app.ts";
import { browserPolicy } from "../../src/server/hosts.ts";
import { create, tempStore } from "../models/temp-store.ts";

export interface RemoteApp extends AsyncDisposable {
  readonly remotesFile: string;
  allow(...remotes: readonly AllowedRemote[]): Promise<void>;
  create(host: string, fields?: Record<string, unknown>): Promise<void>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown, signal?: AbortSignal): Promise<Response>;
}

export async function remoteApp(env: Readonly<Record<string, string>> = {}): Promise<RemoteApp> {
  const { store, [Symbol.asyncDispose]: removeStore } = await tempStore();
  const config = readConfig({ HOME: store.directory, OLLAMA_MODELS: store.directory, ...env });
  const scheduler = new Scheduler(config, () => Promise.reject(new AppError("internal", "no library in this test")));
  const inference = new Inference(store, scheduler, config);
  const services = { config, store, scheduler, inference, registry: new Registry(config, store) };
  const app = createApp(services, browserPolicy("", "127.0.0.1"));
  const call = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("host", "127.0.0.1:11434");
    return app.fetch(new Request(`http://127.0.0.1:11434${path}`, { ...init, headers }));
  };
  return {
    remotesFile: config.remotesFile,
    allow: (...remotes) => writeAllowed(config.remotesFile, remotes),
    async create(host, fields = {}) {
      await create(store, { model: "m", from: "big", remote_host: host, ...fields });
    },
    fetch: call,
    post: (path, body, signal) =>
      call(path, { method: "POST", body: JSON.stringify(body), ...(signal === undefined ? {} : { signal }) }),
    async [Symbol.asyncDispose]() {
      await scheduler[Symbol.asyncDispose]();
      await removeStore();
    },
  };
}
