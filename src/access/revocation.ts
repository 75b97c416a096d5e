// A key that is taken away stops what is being done with it, not only what would begin: while answers run for keys, the key
// directory is looked at now and then. Costs a look at one directory's times while there are such answers, else nothing.

import { AppError } from "../base/errors.ts";
import type { ApiKey } from "./api-key.ts";
import type { KeyStore } from "./key-store.ts";

const LOOK_EVERY_MS = 500;

export interface Use extends Disposable {
  /** Fires, with an AppError as its reason, when the key is gone. */
  readonly revoked: AbortSignal;
}

export class RevocationWatch {
  readonly #uses = new Map<AbortController, ApiKey>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly keys: Pick<KeyStore, "table">) {}

  /** To be disposed of when the request has ended. */
  use(key: ApiKey): Use {
    const controller = new AbortController();
    this.#uses.set(controller, key);
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS);
    return { revoked: controller.signal, [Symbol.dispose]: () => this.#forget(controller) };
  }

  #look(): void {
    const { keys } = this.keys.table();
    for (const [controller, used] of this.#uses) {
      if (keys.some(({ id, hash }) => id === used.id && hash.equals(used.hash))) continue;
      this.#forget(controller);
      controller.abort(new AppError("unauthorized", `the API key "${used.name}" was revoked while it was in use`));
    }
  }

  #forget(controller: AbortController): void {
    this.#uses.delete(controller);
    if (this.#uses.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
