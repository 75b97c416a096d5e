// Opens models by name for the server: the store says what a name is, the scheduler where it runs on this machine, and
// engines elsewhere answer for the models that name them.

import type { Config } from "../config.ts";
import type { ModelName } from "../models/name.ts";
import { openModel } from "../models/opened-model.ts";
import type { ModelStore } from "../models/store.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { LocalModel } from "./local-model.ts";
import type { AskableModel, Asker } from "./model.ts";
import { isRemote, type RemoteInfo, Remotes } from "./remote/remotes.ts";

/** For who is not told apart from others, and pays nothing. */
const ANYBODY: Asker = { id: "", used: () => undefined, shortened: () => undefined };

export class Inference {
  readonly #remotes: Remotes;

  constructor(
    private readonly store: ModelStore,
    private readonly scheduler: Scheduler,
    private readonly config: Config,
  ) {
    this.#remotes = new Remotes(config);
  }

  /**
   * Throws `not-found` (naming it as it was sent) for an unknown model, and for one that is served elsewhere what keeps it
   * from being asked.
   */
  async open(name: ModelName, sentName: string, asker: Asker = ANYBODY): Promise<AskableModel> {
    const model = await openModel(this.store, name, sentName);
    // Bounded by the connect limit; what was found out is shared and remembered.
    if (isRemote(model)) return this.#remotes.open(model, new AbortController().signal, asker);
    return new LocalModel(model, this.scheduler, this.config, asker);
  }

  /** Models that engines elsewhere served lately. */
  remoteRunning(): Promise<RemoteInfo[]> {
    return this.#remotes.running();
  }
}
