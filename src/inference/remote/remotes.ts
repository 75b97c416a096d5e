// The engines elsewhere that this server knows: who may be asked, with what key, and which models were used lately. A host
// that was not allowed on this machine is never contacted, whatever a model says that was pulled from somewhere.

import { AppError, toAppError } from "../../base/errors.ts";
import { FileMemo } from "../../base/file-memo.ts";
import { logWarn } from "../../base/log.ts";
import type { Config } from "../../config.ts";
import type { OpenedModel } from "../../models/opened-model.ts";
import { originOf, remoteUrls } from "../../remotes/address.ts";
import { type AllowedRemote, readAllowed } from "../../remotes/allowed-remotes.ts";
import type { Asker } from "../model.ts";
import { Engine } from "./engine.ts";
import { firstAnswer } from "./failover.ts";
import { RemoteModel, type UseNote } from "./remote-model.ts";
import type { Access } from "./transport.ts";

export interface RemoteInfo {
  readonly model: OpenedModel;
  readonly expiresAtMs: number;
  readonly contextLength: number;
  readonly active: number;
  /** Why no engine can be reached; undefined while one can. */
  readonly failure: string | undefined;
}

interface Used {
  model: OpenedModel;
  engines: readonly Engine[];
  active: number;
  lastMs: number;
}

/** How long a model stays in `ps` after its last request. */
const LISTED_MS = 5 * 60_000;
const MAX_ENGINES = 256;
/** `ps` waits no longer than this for an engine to show that it lives. */
const CHECK_MS = 1_000;

export function isRemote(model: OpenedModel): boolean {
  return (model.config.remote_host ?? "") !== "" && (model.config.remote_model ?? "") !== "";
}

export class Remotes {
  readonly #engines = new Map<string, Engine>();
  readonly #used = new Map<string, Used>();
  readonly #allowedFile = new FileMemo<AllowedRemote[]>();
  /** What was found for a model, which holds while neither it nor the list of allowed hosts has changed. */
  readonly #found = new WeakMap<OpenedModel, { allowed: readonly AllowedRemote[]; engines: Engine[] }>();

  constructor(private readonly config: Config) {}

  /** Throws `forbidden` for a host that was not allowed, and what the engines say when none of them answers. */
  async open(model: OpenedModel, signal: AbortSignal, asker: Asker): Promise<RemoteModel> {
    const engines = await this.#enginesOf(model);
    const facts = await firstAnswer(engines, (engine) => engine.facts(signal));
    return new RemoteModel(model, engines, facts, { config: this.config, asker, use: this.#noteOf(model, engines) });
  }

  /** Models that were used lately, with how their engines are now. */
  async running(): Promise<RemoteInfo[]> {
    const nowMs = performance.now();
    for (const [name, { active, lastMs }] of this.#used) {
      if (active === 0 && nowMs - lastMs > LISTED_MS) this.#used.delete(name);
    }
    return Promise.all([...this.#used.values()].map(infoOf));
  }

  async #enginesOf(model: OpenedModel): Promise<Engine[]> {
    const allowed = await this.#allowed();
    const known = this.#found.get(model);
    if (known?.allowed === allowed) return known.engines;
    const engines = this.#makeEngines(model, allowed);
    this.#found.set(model, { allowed, engines });
    return engines;
  }

  #makeEngines(model: OpenedModel, allowed: readonly AllowedRemote[]): Engine[] {
    const { remote_host = "", remote_model = "" } = model.config;
    return remoteUrls(remote_host).map((baseUrl) => {
      const origin = originOf(baseUrl);
      const access = this.#accessTo(model, origin, allowed);
      const name = `${baseUrl}\n${remote_model}`;
      const known = this.#engines.get(name);
      if (known !== undefined && isSame(known.access, access)) return known;
      if (this.#engines.size >= MAX_ENGINES) this.#engines.delete(this.#engines.keys().next().value ?? "");
      const { remoteConnectMs: connectMs, remoteFirstMs: firstMs, remoteGapMs: gapMs } = this.config;
      const engine = new Engine({ baseUrl, origin, model: remote_model }, access, { connectMs, firstMs, gapMs });
      this.#engines.set(name, engine);
      return engine;
    });
  }

  /** What is wrong with the file is the owner's to read: clients learn no paths. */
  async #allowed(): Promise<AllowedRemote[]> {
    try {
      return await this.#allowedFile.read(this.config.remotesFile, readAllowed);
    } catch (error) {
      logWarn("the file of allowed remote hosts cannot be used", { error: toAppError(error).message });
      throw new AppError(
        "forbidden",
        "this server's file of remote hosts cannot be used; on its machine, run: ollama remote list",
        {
          cause: error,
        },
      );
    }
  }

  #accessTo(model: OpenedModel, origin: string, allowed: readonly AllowedRemote[]): Access {
    const found = allowed.find((each) => each.origin === origin);
    const authorities = found?.ca ?? this.config.certificateAuthorities;
    if (found === undefined && !this.#isListed(origin)) {
      throw new AppError(
        "forbidden",
        `${model.name.display} is served by ${origin}, which this machine was not told to trust; if you do, run: ollama remote allow ${origin}`,
      );
    }
    if (found?.keyEnv === undefined) return { key: found?.key, authorities };
    const key = this.config.variable(found.keyEnv);
    if (key === undefined || key === "")
      throw new AppError(
        "upstream",
        `the key for ${origin} is to be in ${found.keyEnv}, which is not set for the server`,
      );
    return { key, authorities };
  }

  /** OLLAMA_REMOTES names hosts, as Ollama reads it. */
  #isListed(origin: string): boolean {
    const { hostname, host } = new URL(origin);
    const listed = this.config.remotes.split(",").map((name) => name.trim());
    return listed.some((name) => name !== "" && (name === hostname || name === host));
  }

  #noteOf(model: OpenedModel, engines: readonly Engine[]): UseNote {
    const name = model.name.full;
    return {
      begin: () => {
        const used = this.#used.get(name) ?? { model, engines, active: 0, lastMs: 0 };
        this.#used.set(name, used);
        Object.assign(used, { model, engines, active: used.active + 1, lastMs: performance.now() });
        return {
          [Symbol.dispose]() {
            used.active--;
            used.lastMs = performance.now();
          },
        };
      },
      forget: () => {
        if ((this.#used.get(name)?.active ?? 0) === 0) this.#used.delete(name);
      },
    };
  }
}

function isSame(a: Access, b: Access): boolean {
  return a.key === b.key && a.authorities === b.authorities;
}

async function infoOf({ model, engines, active, lastMs }: Used): Promise<RemoteInfo> {
  const limit = AbortSignal.timeout(CHECK_MS);
  const answers = await Promise.allSettled(engines.map((engine) => engine.facts(limit)));
  const living = answers.find((answer) => answer.status === "fulfilled");
  const reasons = engines.map((engine) => engine.failure ?? `${engine.place.baseUrl} does not answer`);
  return {
    model,
    expiresAtMs: Date.now() + lastMs + LISTED_MS - performance.now(),
    contextLength: living?.value.contextLength ?? 0,
    active,
    failure: living === undefined ? reasons.join("; ") : undefined,
  };
}
