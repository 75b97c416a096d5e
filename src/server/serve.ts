// Runs the server until it is told to stop: store, scheduler, HTTP, signals. No runner outlives it.

import { KeyStore } from "../access/key-store.ts";
import { Metrics } from "../access/metrics.ts";
import { usageFile } from "../access/paths.ts";
import { Turnstile } from "../access/turnstile.ts";
import { UsageLedger } from "../access/usage-ledger.ts";
import { usableThreads } from "../base/cpu.ts";
import { type HostAddress, hostPort } from "../base/host.ts";
import { AppError, toAppError } from "../base/errors.ts";
import { logInfo, logWarn, setLogContext, setLogLevel } from "../base/log.ts";
import type { Config } from "../config.ts";
import { Inference } from "../inference/inference.ts";
import { tidyStore } from "../models/prune.ts";
import { ModelStore } from "../models/store.ts";
import type { Quantize } from "../models/quantize-layer.ts";
import { Registry } from "../registry/registry.ts";
import { LibraryShelf, type NativeLibraries } from "../runner/native.ts";
import { quantizeFile } from "../runner/quantize.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { VERSION } from "../version.ts";
import { type App, createApp } from "./app.ts";
import { Gate } from "./gate.ts";
import { browserPolicy } from "./hosts.ts";
import { currentRequest } from "./request-context.ts";

/** Larger than any upload: blobs stream to disk, other bodies have their own limit. */
const MAX_REQUEST_BYTES = 1024 ** 4;
const LAST_BYTES_MS = 500;
/** Whoever connects and asks nothing, or lets a request drip, is sent away after that. */
const SILENT_CONNECTION_S = 60;

/** Throws (`invalid`, `forbidden`, `internal`) when it cannot start; otherwise resolves when it has stopped. */
export async function serve(config: Config): Promise<void> {
  setLogLevel(config.debug > 1 ? "trace" : config.debug > 0 ? "debug" : "info");
  setLogContext(() => ({ request: currentRequest()?.id }));
  for (const warning of config.warnings) logWarn(warning);
  const policy = browserPolicy(config.origins, config.host.hostname);
  const store = new ModelStore(config.modelsDir);
  await store.open();
  using _ = claim(store);
  const libraries = new LibraryShelf(config.cacheDir, config.llmLibrary);
  const preparedLibraries = () => libraries.get();
  const scheduler = new Scheduler(config, preparedLibraries);
  const inference = new Inference(store, scheduler, config);
  await using ledger = new UsageLedger(usageFile(config.homeDir, config.host.port));
  const gate = createGate(config, scheduler, ledger, inference);
  const quantize = quantizer(preparedLibraries, config);
  const services = { config, store, scheduler, inference, quantize, registry: new Registry(config, store) };
  const server = listen(config, createApp(services, policy, gate));
  const stopped = untilSignal();
  logInfo(
    `Listening on ${hostPort({ hostname: config.host.hostname, port: server.port ?? config.host.port })} (version ${VERSION})`,
    { models: config.modelsDir },
  );
  warnWhenExposed(gate);
  // Unpacked and proved before the first request needs them; a failure is said here, and by each request until it is gone.
  libraries.get().then(
    () => {
      gate.libraries = "ready";
      return libraries.tidy();
    },
    (error: unknown) => {
      gate.libraries = "broken";
      logWarn("inference libraries are not usable", { error: toAppError(error).message });
    },
  );
  void tidyStore(store, { prune: !config.noPrune, nowMs: Date.now() }).catch((error: unknown) =>
    logWarn("could not tidy the store", { error: toAppError(error).message }),
  );
  await stopped;
  await drain(gate, config.shutdownTimeoutMs);
  // Lets the last bytes of the last answers leave.
  await Promise.race([server.stop(), Bun.sleep(LAST_BYTES_MS)]);
  await server.stop(true);
  await scheduler[Symbol.asyncDispose]();
}

function createGate(config: Config, scheduler: Scheduler, ledger: UsageLedger, inference: Inference): Gate {
  const turnstile = new Turnstile(config.maxQueue);
  const metrics = new Metrics(
    {
      inFlight: () => gate.inFlight,
      waiting: () => scheduler.waiting + turnstile.waiting,
      models: () =>
        scheduler
          .running()
          .map(({ model, sizeBytes, pending }) => ({ model: model.name.display, bytes: sizeBytes, active: pending })),
      remotes: async () =>
        (await inference.remoteRunning()).map(({ model, failure }) => ({
          model: model.name.display,
          up: failure === undefined,
        })),
    },
    VERSION,
  );
  const gate = new Gate({ config, keys: new KeyStore(config.homeDir), ledger, metrics, turnstile });
  return gate;
}

/** Said where people look who wonder later: at the start. */
function warnWhenExposed(gate: Gate): void {
  const { exposed, keys_required, remote_management, listen } = gate.describe();
  if (!exposed || keys_required) return;
  const managing = remote_management
    ? "and pull, create and delete models (OLLAMA_REMOTE_MANAGEMENT)"
    : "only this machine can pull, create and delete models";
  logWarn(
    `NO API KEY PROTECTS THIS SERVER: everyone who can reach ${listen} can use its models; ${managing}. Make a key with: ollama key create. Or listen on 127.0.0.1 only`,
  );
}

async function drain(gate: Gate, limitMs: number): Promise<void> {
  if (gate.inFlight > 0) {
    logInfo("finishing the running requests; stop again to end at once", {
      requests: gate.inFlight,
      limit_ms: limitMs,
    });
  }
  const left = await gate.drain(limitMs);
  if (left > 0) logWarn("requests were cut off", { requests: left });
}

function quantizer(libraries: () => Promise<NativeLibraries>, config: Config): Quantize {
  const threads = config.numThreads || usableThreads();
  return async function* (job, signal) {
    yield* quantizeFile({ ...job, threads, libraryDir: (await libraries()).directory }, config, signal);
  };
}

function claim(store: ModelStore): Disposable {
  const claimed = store.claim("shared");
  if (claimed !== undefined) return claimed;
  throw new AppError("busy", `the models in ${store.directory} are being moved; start again when that is done`);
}

function listen(config: Config, app: App): ReturnType<typeof Bun.serve> {
  try {
    return Bun.serve({
      hostname: config.host.hostname,
      port: config.host.port,
      // For connections on which nothing is asked; an answer may be quiet for as long as it likes.
      idleTimeout: SILENT_CONNECTION_S,
      maxRequestBodySize: MAX_REQUEST_BYTES,
      development: false,
      // Bun turns port sharing on outside development mode: a second server would then steal half of the connections.
      reusePort: false,
      fetch: (request, server) => {
        server.timeout(request, 0);
        return app.fetch(request, server.requestIP(request)?.address);
      },
    });
  } catch (error) {
    const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
    const address = hostPort(config.host);
    const said = LISTEN_FAILURES[String(code)]?.(config.host);
    throw new AppError("invalid", said ?? `listen tcp ${address}: ${toAppError(error).message}`, { cause: error });
  }
}

/** Go's words, which scripts look for (spec 1.12). Bun says ENOENT of a name that cannot be resolved. */
const LISTEN_FAILURES: Readonly<Record<string, (host: HostAddress) => string>> = {
  EADDRINUSE: (host) => `listen tcp ${hostPort(host)}: bind: address already in use`,
  EACCES: (host) => `listen tcp ${hostPort(host)}: bind: permission denied`,
  EADDRNOTAVAIL: (host) => `listen tcp ${hostPort(host)}: bind: cannot assign requested address`,
  ENOENT: ({ hostname }) => `listen tcp: lookup ${hostname}: no such host`,
};

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
