// A runner's main: loads one model, then its main thread is the decode loop. Messages arrive between steps; when the
// server goes away, by whatever death, the channel closes and this process ends.

import { AppError, toAppError } from "../base/errors.ts";
import { dieWithParent } from "./cage/cage.ts";
import { createEngine, type LoadedEngine } from "./load.ts";
import type { FromRunner, ToRunner } from "./protocol.ts";

function send(message: FromRunner): void {
  process.send?.(message);
}

/** Lets the event loop deliver what arrived during a step. */
function yieldToMessages(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Idle this long, a runner writes its conversations to disk. */
const REST_AFTER_MS = 500;
/** Tokens to embed in a step that answers wait for. */
const EMBEDDED_BESIDE_ANSWERS = 256;
/** Idle this long, it gives back what memory it had for more than one conversation. */
const GIVE_BACK_AFTER_MS = 30_000;

class Child {
  #loaded: LoadedEngine | undefined;
  #wake: (() => void) | undefined;

  receive(message: ToRunner): void {
    try {
      this.#dispatch(message);
    } catch (error) {
      const { fault, message: text } = toAppError(error);
      if ("id" in message) send({ type: "failed", id: message.id, fault, message: text });
    }
    this.#wake?.();
  }

  #dispatch(message: ToRunner): void {
    if (message.type === "load") return this.#load(message);
    const loaded = this.#loaded;
    if (loaded === undefined) throw new AppError("internal", "no model is loaded");
    switch (message.type) {
      case "generate":
        return loaded.engine.submit(message);
      case "cancel":
        loaded.embedder.cancel(message.id);
        loaded.engine.cancel(message.id);
        return send({ type: "canceled" });
      case "tokenize": {
        // What an embedding is made of, where one is made.
        const options = { addSpecial: message.addSpecial, parseSpecial: !loaded.model.hasWordPieces };
        const tokens = Array.from(loaded.model.tokenize(message.text, options));
        return send({ type: "tokens", id: message.id, tokens });
      }
      case "detokenize": {
        const bytes = Buffer.concat(message.tokens.map((token) => loaded.model.rawPiece(token, true)));
        return send({ type: "text", id: message.id, text: bytes.toString("utf8") });
      }
      case "measure":
        return send({ type: "measured", id: message.id, measures: { ...loaded.engine.measures } });
      case "embed":
        return loaded.embedder.submit(message);
      default:
        return message satisfies never;
    }
  }

  #load(message: Extract<ToRunner, { type: "load" }>): void {
    try {
      this.#loaded = createEngine(message, send);
      send({ type: "ready", facts: this.#loaded.facts });
    } catch (error) {
      const { fault, message: text } = toAppError(error);
      send({ type: "load-failed", fault, message: text });
    }
  }

  /** Waits for a message; after a while without one, idle work is done, in pieces that a message waits for. */
  async #sleep(loaded: LoadedEngine | undefined): Promise<void> {
    const rest = () => {
      if (loaded?.engine.rest() === true) resting = setTimeout(rest, 0);
    };
    let resting = setTimeout(rest, REST_AFTER_MS);
    const givingBack = setTimeout(() => loaded?.engine.giveBack(), GIVE_BACK_AFTER_MS);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    clearTimeout(resting);
    clearTimeout(givingBack);
    this.#wake = undefined;
  }

  async run(): Promise<never> {
    for (;;) {
      const loaded = this.#loaded;
      if (loaded === undefined || (loaded.engine.idle && loaded.embedder.idle)) {
        await this.#sleep(loaded);
        continue;
      }
      loaded.engine.step();
      loaded.embedder.step(loaded.engine.idle ? undefined : EMBEDDED_BESIDE_ANSWERS);
      await yieldToMessages();
    }
  }
}

export async function runChild(): Promise<never> {
  if (process.send === undefined) throw new AppError("invalid", "the runner is started by the server, not by hand");
  // Ctrl-C in a terminal reaches the whole group; the server decides when a runner ends.
  process.on("SIGINT", () => {});
  process.on("disconnect", () => process.exit(0));
  dieWithParent();
  const child = new Child();
  process.on("message", (message: ToRunner) => child.receive(message));
  return child.run();
}
