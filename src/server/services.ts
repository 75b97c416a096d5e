// What routes are given: every dependency of the HTTP side.

import type { Config } from "../config.ts";
import type { Inference } from "../inference/inference.ts";
import type { ModelStore } from "../models/store.ts";
import type { Quantize } from "../models/quantize-layer.ts";
import type { Registry } from "../registry/registry.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";

export interface Services {
  readonly config: Config;
  readonly store: ModelStore;
  readonly scheduler: Scheduler;
  /** What routes need of it, so that tests can bring a scripted model. */
  readonly inference: Pick<Inference, "open" | "remoteRunning">;
  /** Undefined where there is no engine. */
  readonly quantize?: Quantize;
  readonly registry: Pick<Registry, "parseTarget" | "pull" | "push">;
}
