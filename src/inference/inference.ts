// Opens models by name for the server: the store says what a name is, the scheduler where it runs.

import type { Config } from "../config.ts";
import { ModelName } from "../models/name.ts";
import { openModel } from "../models/opened-model.ts";
import type { ModelStore } from "../models/store.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { LocalModel } from "./local-model.ts";
import type { AskableModel, Asker } from "./model.ts";

/** For who is not told apart from others, and pays nothing. */
const ANYBODY: Asker = { id: "", used: () => undefined, shortened: () => undefined };

export class Inference {
  constructor(
    private readonly store: ModelStore,
    private readonly scheduler: Scheduler,
    private readonly config: Config,
  ) {}

  /** Throws `invalid` for a malformed name and `not-found` (naming it as it was sent) for an unknown one. */
  async open(sentName: string, asker: Asker = ANYBODY): Promise<AskableModel> {
    const model = await openModel(this.store, ModelName.parse(sentName), sentName);
    return new LocalModel(model, this.scheduler, this.config, asker);
  }
}
