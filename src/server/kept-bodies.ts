// How much of requests' bodies is in memory at once. One may be large; many large ones, which wait in queues with all that was
// made of them, would be more than a machine has.

import { AppError } from "../base/errors.ts";

/** What is made of a body (text, values, a prompt) takes several times as much. */
const MOST_BYTES = 512 * 1024 * 1024;

export class KeptBodies {
  #bytes = 0;

  /** One request's share. Disposing of it gives all of it back. */
  open(): Disposable & { readonly keep: (bytes: number) => void } {
    let own = 0;
    return {
      keep: (bytes) => {
        // Alone it is bounded by the limit of a body.
        if (this.#bytes > own && this.#bytes + bytes > MOST_BYTES) {
          throw new AppError("busy", "server busy: too many large requests at once", { retryAfterSeconds: 1 });
        }
        own += bytes;
        this.#bytes += bytes;
      },
      [Symbol.dispose]: () => {
        this.#bytes -= own;
        own = 0;
      },
    };
  }
}
