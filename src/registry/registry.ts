// Models from and to other places: what the server holds for pull and push. Everything that leaves the machine goes through
// the one RemoteHttp made here.

import type { ProgressResponse } from "../api/schema/models.ts";
import type { Digest } from "../base/digest.ts";
import { toAppError } from "../base/errors.ts";
import { logWarn } from "../base/log.ts";
import type { Config } from "../config.ts";
import { ModelName } from "../models/name.ts";
import type { ModelStore } from "../models/store.ts";
import { AddressGuard, AllowList, type Resolve } from "./addresses.ts";
import { RegistryClient } from "./client.ts";
import { parseGgufUrl } from "./gguf-url.ts";
import { huggingFaceName } from "./hugging-face.ts";
import {
  type Endpoint,
  endpointsFor,
  type MirrorSettings,
  parseMirrors,
  registryEndpoint,
  repositoryOf,
} from "./mirrors.ts";
import { sameOriginWith } from "./origins.ts";
import { pullModel } from "./pull.ts";
import { pullGgufUrl } from "./pull-url.ts";
import { pushModel } from "./push.ts";
import { RateLimit } from "./rate-limit.ts";
import { RemoteHttp } from "./remote-http.ts";
import { SharedDownloads } from "./shared-download.ts";
import { loadSigningKey, type SigningKey } from "./signing-key.ts";
import { defaultTuning, type Tuning } from "./transfer.ts";

export interface RegistryOptions {
  readonly tuning?: Partial<Tuning>;
  readonly resolve?: Resolve;
  /** Origins that are one service under several names. */
  readonly oneService?: ReadonlySet<string>;
}

export class Registry {
  readonly http: RemoteHttp;
  readonly tuning: Tuning;
  readonly limit: RateLimit;
  readonly downloads = new SharedDownloads<Digest>();
  readonly uploads = new SharedDownloads<void>();
  #key: Promise<SigningKey> | undefined;

  constructor(
    readonly config: Config,
    readonly store: ModelStore,
    options: RegistryOptions = {},
  ) {
    this.tuning = { ...defaultTuning, ...options.tuning };
    this.limit = new RateLimit(config.downloadLimit);
    this.http = new RemoteHttp({
      guard: new AddressGuard(new AllowList(config.registryAllow), options.resolve),
      proxies: config.proxies,
      authorities: config.certificateAuthorities,
      headTimeoutMs: this.tuning.headTimeoutMs,
      sameOrigin: sameOriginWith(options.oneService),
    });
    try {
      parseMirrors(config.registryMirrors);
    } catch (error) {
      logWarn("pulls will fail", { error: toAppError(error).message });
    }
  }

  /** What a client may pull: a model name, a Hugging Face page, or the address of a GGUF file. Throws `invalid`. */
  parseTarget(text: string): ModelName | URL {
    const onHuggingFace = huggingFaceName(text);
    return onHuggingFace ?? parseGgufUrl(text) ?? ModelName.parse(text);
  }

  pull(
    target: ModelName | URL,
    insecure: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<ProgressResponse, void, undefined> {
    return target instanceof URL
      ? pullGgufUrl(this, target, insecure, signal)
      : pullModel(this, target, insecure, signal);
  }

  push(text: string, insecure: boolean, signal: AbortSignal): AsyncGenerator<ProgressResponse, void, undefined> {
    return pushModel(this, text, insecure, signal);
  }

  get mirrorSettings(): MirrorSettings {
    const { registryMirrors: mirrors, hfEndpoint, hfToken } = this.config;
    return { mirrors, hfEndpoint, hfToken };
  }

  /** Where `name` can be pulled from, best first. */
  clientsFor(name: ModelName, insecure: boolean): readonly RegistryClient[] {
    return endpointsFor(name.host, insecure, this.mirrorSettings).map((endpoint) => this.#client(name, endpoint));
  }

  /** The registry itself. */
  clientOf(name: ModelName, insecure: boolean): RegistryClient {
    return this.#client(name, registryEndpoint(name.host, insecure, this.mirrorSettings));
  }

  #client(name: ModelName, endpoint: Endpoint): RegistryClient {
    return new RegistryClient({
      http: this.http,
      endpoint,
      repository: repositoryOf(name),
      key: () => (this.#key ??= loadSigningKey(this.config.homeDir)),
      backoffMs: this.tuning.backoffMs,
      tries: Math.min(this.tuning.tries, 4),
    });
  }
}
