// The real HTTP application over a store in a temporary folder, without an engine: everything but loading a model works.

import { readConfig } from "../../src/config.ts";
import { AppError } from "../../src/base/errors.ts";
import { Inference } from "../../src/inference/inference.ts";
import { ModelStore } from "../../src/models/store.ts";
import { Registry } from "../../src/registry/registry.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { createApp } from "../../src/server/app.ts";
import { browserPolicy } from "../../src/server/hosts.ts";
import { type TempHome, tempHome } from "./temp-home.ts";

export interface AppServer extends AsyncDisposable {
  readonly baseUrl: string;
  readonly home: TempHome;
}

export async function startApp(): Promise<AppServer> {
  const home = await tempHome();
  const config = readConfig(home.env);
  const store = new ModelStore(config.modelsDir);
  await store.open();
  const scheduler = new Scheduler(config, () => Promise.reject(new AppError("unsupported", "no engine in this test")));
  const app = createApp(
    {
      config,
      store,
      scheduler,
      inference: new Inference(store, scheduler, config),
      registry: new Registry(config, store),
    },
    browserPolicy("", "127.0.0.1"),
  );
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch: (request, bun) => app.fetch(request, bun.requestIP(request)?.address),
  });
  return {
    baseUrl: `http://127.0.0.1:${server.port}`,
    home,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      await scheduler[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
}
