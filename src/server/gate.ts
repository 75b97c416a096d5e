// The door every request passes: it gets an id, is known by its key or its address, is let in or refused in its dialect's shape,
// waits for its key's turn, and is counted and logged when its answer has ended. Nothing here happens per token.

import { randomUUID } from "node:crypto";
import { type Caller, decide, identify, isInCharge, type Need, type Rules } from "../access/decide.ts";
import type { KeyStore } from "../access/key-store.ts";
import type { Metrics } from "../access/metrics.ts";
import { RevocationWatch } from "../access/revocation.ts";
import type { Turnstile } from "../access/turnstile.ts";
import { secondsLeftToday, type UsageLedger } from "../access/usage-ledger.ts";
import type { AccessStatus } from "../api/responses.ts";
import { AppError } from "../base/errors.ts";
import { hostPort, isLoopback } from "../base/host.ts";
import { logDebug, logInfo, logTrace, logWarn } from "../base/log.ts";
import type { Config } from "../config.ts";
import type { Asker } from "../inference/model.ts";
import { errorInDialect } from "./dialects.ts";
import { KeptBodies } from "./kept-bodies.ts";
import { reasonOf, type RequestContext, within } from "./request-context.ts";
import { isResumable, needOf } from "./route-needs.ts";
import { endOfStream } from "./stream.ts";

export interface Arrival {
  readonly request: Request;
  readonly path: string;
  /** The pattern it matches; undefined for a path that leads nowhere. */
  readonly route: string | undefined;
  /** The connection's other end. */
  readonly address: string | undefined;
}

export interface GateParts {
  readonly config: Config;
  readonly keys: KeyStore;
  readonly ledger: UsageLedger;
  readonly metrics: Metrics;
  readonly turnstile: Turnstile;
}

const SECRET_HEADERS = new Set(["authorization", "x-api-key", "cookie", "proxy-authorization"]);
const KNOWN_METHODS = new Set(["GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"]);
const MAX_LOGGED_PATH = 200;

export class Gate {
  readonly #inFlight = new Set<{ readonly waitsFor: boolean }>();
  #idle: (() => void) | undefined;
  #problems = "";
  #isDraining = false;
  /** Whether models can be run at all. */
  libraries: "starting" | "ready" | "broken" = "starting";

  readonly #revocations: RevocationWatch;
  readonly #bodies = new KeptBodies();

  constructor(readonly parts: GateParts) {
    this.#revocations = new RevocationWatch(parts.keys);
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** What load balancers ask for: whether requests should be sent here. */
  get readiness(): "starting" | "ready" | "broken" | "draining" {
    return this.#isDraining ? "draining" : this.libraries;
  }

  get rules(): Rules {
    const { keylessLoopback, remoteManagement } = this.parts.config;
    return { keysRequired: this.parts.keys.table().required, keylessLoopback, remoteManagement };
  }

  describe(): AccessStatus {
    const { config, keys } = this.parts;
    const { keysRequired, remoteManagement } = this.rules;
    return {
      listen: hostPort(config.host),
      exposed: !isLoopback(config.host.hostname),
      keys_required: keysRequired,
      keys: keys.table().keys.length,
      remote_management: remoteManagement,
    };
  }

  async pass(arrival: Arrival, answer: () => Promise<Response>): Promise<Response> {
    const { request, path } = arrival;
    const startedMs = performance.now();
    const caller = this.#identify(arrival);
    const use = caller.kind === "key" ? this.#revocations.use(caller.key) : undefined;
    const end = use === undefined ? request.signal : AbortSignal.any([request.signal, use.revoked]);
    const body = this.#bodies.open();
    const context = { ...this.#contextOf(caller, request.headers), end, keepBody: body.keep };
    const { lost } = context;
    return within(context, async () => {
      const entry = { waitsFor: !isResumable(request.method, arrival.route ?? "") };
      this.#inFlight.add(entry);
      let leave: (() => void) | undefined;
      const ended = (response: Response) => {
        leave?.();
        use?.[Symbol.dispose]();
        body[Symbol.dispose]();
        this.#inFlight.delete(entry);
        this.#wakeDrain();
        this.#record(arrival, caller, response.status, performance.now() - startedMs);
      };
      logArrival(arrival);
      let response: Response;
      try {
        leave = await this.#admit(arrival, caller, end);
        response = await answer();
      } catch (error) {
        response = refusal(path, reasonOf(context, error));
      }
      response.headers.set("x-request-id", context.id);
      // The first event of an answer has come by now, and with it what was cut.
      if (lost.promptTokens > 0) response.headers.set("x-ollama-truncated-tokens", String(lost.promptTokens));
      void untilEnded(request, response).then(() => ended(response));
      return response;
    });
  }

  /** Turns new requests away and resolves when the running ones have ended, or after `limitMs`; tells how many had not. */
  async drain(limitMs: number): Promise<number> {
    this.#isDraining = true;
    const running = () => [...this.#inFlight].filter(({ waitsFor }) => waitsFor).length;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
    const idle = new Promise<void>((resolve) => (this.#idle = () => void (running() === 0 && resolve())));
    this.#wakeDrain();
    await Promise.race([idle, timeout]);
    clearTimeout(timer);
    return running();
  }

  #wakeDrain(): void {
    this.#idle?.();
  }

  #identify({ request, address }: Arrival): Caller {
    const table = this.parts.keys.table();
    const problems = table.problems.join("; ");
    if (problems !== this.#problems && problems !== "") logWarn(problems);
    this.#problems = problems;
    const { keylessLoopback } = this.parts.config;
    return identify(address, request.headers, { table, keylessLoopback, nowMs: Date.now() });
  }

  #contextOf(caller: Caller, headers: Headers): Omit<RequestContext, "end" | "keepBody"> {
    const lost = { promptTokens: 0 };
    return {
      lost,
      id: requestId(headers.get("x-request-id")),
      asker: this.#asker(caller, lost),
      isInCharge: isInCharge(caller, this.rules),
      keyId: caller.kind === "key" ? caller.key.id : undefined,
      logsBody: this.parts.config.logRequests,
    };
  }

  /** Throws what refuses the request. The result is to be called at its end. */
  async #admit({ request, route }: Arrival, caller: Caller, end: AbortSignal): Promise<(() => void) | undefined> {
    // A path that leads nowhere says so to everyone who may come in at all.
    const need: Need = route === undefined ? "entry" : (needOf(request.method, route) ?? "manage");
    const verdict = decide(need, caller, this.rules);
    if (verdict.do === "refuse") throw new AppError(verdict.fault, verdict.message);
    if (this.#isDraining && need !== "nothing" && need !== "metrics") {
      throw new AppError("busy", "the server is shutting down", { retryAfterSeconds: 5 });
    }
    if (need !== "infer" || caller.kind !== "key") return undefined;
    const { id, name, budget, limit } = caller.key;
    const nowMs = Date.now();
    if (budget > 0 && this.parts.ledger.tokensToday(id) >= budget) {
      throw new AppError(
        "over-budget",
        `the API key "${name}" has used its ${budget} tokens of today; it works again at 00:00 UTC`,
        {
          retryAfterSeconds: secondsLeftToday(nowMs),
        },
      );
    }
    return limit > 0 ? this.parts.turnstile.enter(id, limit, end) : undefined;
  }

  #asker(caller: Caller, lost: RequestContext["lost"]): Asker {
    const { metrics, ledger } = this.parts;
    const key = labelOf(caller);
    const who = accountOf(caller);
    return {
      // Every machine takes its turn by itself; for the record of usage they are one.
      id: caller.kind === "remote" ? caller.address : who,
      used: (spent) => {
        metrics.answerEnded({ ...spent, key });
        ledger.add(who, { promptTokens: spent.promptTokens, generatedTokens: spent.generatedTokens });
      },
      shortened: (tokens) => {
        lost.promptTokens += tokens;
      },
    };
  }

  #record(arrival: Arrival, caller: Caller, status: number, ms: number): void {
    const { request, path, route, address } = arrival;
    const method = KNOWN_METHODS.has(request.method) ? request.method : "other";
    this.parts.metrics.requestEnded({ method, route: route ?? "other", status, seconds: ms / 1000 });
    if (route !== undefined && needOf(method, route) === "infer" && status < 400) {
      this.parts.ledger.add(accountOf(caller), { requests: 1 });
    }
    const log = status < 400 && (method === "GET" || method === "HEAD") ? logDebug : logInfo;
    log("request", {
      method: request.method,
      path: path.slice(0, MAX_LOGGED_PATH),
      status,
      ms: Math.round(ms),
      from: address,
      key: caller.kind === "key" ? caller.key.name : undefined,
    });
  }
}

/** Whose usage it is. */
export function accountOf(caller: Caller): string {
  switch (caller.kind) {
    case "key":
      return caller.key.id;
    case "local":
    case "owner":
      return "local";
    case "remote":
    case "stranger":
      return "remote";
    default:
      return caller satisfies never;
  }
}

function labelOf(caller: Caller): string {
  return caller.kind === "key" ? caller.key.name : accountOf(caller);
}

/** What the client calls it, if that is a sane name. */
function requestId(sent: string | null): string {
  return sent !== null && /^[A-Za-z0-9._:-]{1,128}$/.test(sent) ? sent : randomUUID();
}

function refusal(path: string, error: unknown): Response {
  const response = errorInDialect(path, error);
  if (response.status === 401) response.headers.set("www-authenticate", 'Bearer realm="ollama"');
  return response;
}

/** Resolves when nothing more of the answer will come, because it is whole or because nobody waits for it. */
async function untilEnded({ signal }: Request, response: Response): Promise<void> {
  const end = endOfStream(response);
  if (end === undefined || signal.aborted) return;
  await Promise.race([
    end,
    new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true })),
  ]);
}

function logArrival({ request, path, address }: Arrival): void {
  logDebug("request begins", { method: request.method, path: path.slice(0, MAX_LOGGED_PATH), from: address });
  logTrace("request headers", Object.fromEntries([...request.headers].filter(([name]) => !SECRET_HEADERS.has(name))));
}
