// Runs the server until it is told to stop: store, scheduler, HTTP, signals. No runner outlives it.

import { hostPort } from "../base/host.ts";
import { AppError, toAppError } from "../base/errors.ts";
import { logInfo, logWarn, setLogLevel } from "../base/log.ts";
import type { Config } from "../config.ts";
import { Inference } from "../inference/inference.ts";
import { tidyStore } from "../models/prune.ts";
import { ModelStore } from "../models/store.ts";
import { Registry } from "../registry/registry.ts";
import { LibraryShelf } from "../runner/native.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { VERSION } from "../version.ts";
import { type App, createApp } from "./app.ts";
import { browserPolicy } from "./hosts.ts";

/** Larger than any upload: blobs stream to disk, other bodies have their own limit. */
const MAX_REQUEST_BYTES = 1024 ** 4;

/** Throws (`invalid`, `forbidden`, `internal`) when it cannot start; otherwise resolves when it has stopped. */
export async function serve(config: Config): Promise<void> {
  setLogLevel(config.debug > 0 ? "debug" : "info");
  for (const warning of config.warnings) logWarn(warning);
  const policy = browserPolicy(config.origins, config.host.hostname);
  const store = new ModelStore(config.modelsDir);
  await store.open();
  const libraries = new LibraryShelf(config.cacheDir, config.llmLibrary);
  const scheduler = new Scheduler(config, () => libraries.get());
  const inference = new Inference(store, scheduler, config);
  const app = createApp({ config, store, scheduler, inference, registry: new Registry(config, store) }, policy);
  const server = listen(config, app);
  const stopped = untilSignal();
  logInfo(
    `Listening on ${hostPort({ hostname: config.host.hostname, port: server.port ?? config.host.port })} (version ${VERSION})`,
    { models: config.modelsDir },
  );
  // Unpacked and proved before the first request needs them; a failure is said here, and by each request until it is gone.
  libraries.get().then(
    () => libraries.tidy(),
    (error: unknown) => logWarn("inference libraries are not usable", { error: toAppError(error).message }),
  );
  void tidyStore(store, { prune: !config.noPrune, nowMs: Date.now() }).catch((error: unknown) =>
    logWarn("could not tidy the store", { error: toAppError(error).message }),
  );
  await stopped;
  await server.stop(true);
  await scheduler[Symbol.asyncDispose]();
}

function listen(config: Config, app: App): ReturnType<typeof Bun.serve> {
  try {
    return Bun.serve({
      hostname: config.host.hostname,
      port: config.host.port,
      // Generation may be quiet for long; Bun would cut a response that is silent for 10 seconds.
      idleTimeout: 0,
      maxRequestBodySize: MAX_REQUEST_BYTES,
      development: false,
      // Bun turns port sharing on outside development mode: a second server would then steal half of the connections.
      reusePort: false,
      fetch: (request) => app.fetch(request),
    });
  } catch (error) {
    const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
    const address = hostPort(config.host);
    // Go's words, which scripts look for (spec 1.12).
    if (code === "EADDRINUSE")
      throw new AppError("invalid", `listen tcp ${address}: bind: address already in use`, { cause: error });
    if (code === "EACCES")
      throw new AppError("forbidden", `listen tcp ${address}: bind: permission denied`, { cause: error });
    throw new AppError("invalid", `listen tcp ${address}: ${toAppError(error).message}`, { cause: error });
  }
}

/** Resolves at SIGINT or SIGTERM; a second one ends the process at once. */
function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = () => {
      if (asked) process.exit(1);
      asked = true;
      resolve();
    };
    process.on("SIGINT", onSignal);
    process.on("SIGTERM", onSignal);
    process.on("SIGHUP", onSignal);
  });
}
