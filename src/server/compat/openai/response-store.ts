// Responses that a later request may continue (previous_response_id): in memory, for an hour, the oldest leaving when there are
// too many or they take too much room. Each belongs to the key that asked for it; what was asked without one, to all without one.

import type { OutputItem, ResponseObject } from "../../../api/openai/responses.ts";
import type { ChatMessage } from "../../../chat/message.ts";

export interface StoredResponse {
  readonly response: ResponseObject;
  /** Everything said up to and with this response, without instructions. */
  readonly conversation: readonly ChatMessage[];
}

interface Entry extends StoredResponse {
  readonly storedMs: number;
  readonly size: number;
}

const KEPT_MS = 60 * 60_000;
const MAX_ENTRIES = 1000;
const MAX_CHARACTERS = 32 * 1024 * 1024;

export class ResponseStore {
  /** Oldest first: a Map keeps the order in which entries came. */
  readonly #entries = new Map<string, Entry>();
  #size = 0;

  /** A clock that nobody sets. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  put(owner: string, stored: StoredResponse): void {
    const size = JSON.stringify(stored).length;
    if (size > MAX_CHARACTERS) return;
    this.#entries.set(placeOf(owner, stored.response.id), { ...stored, size, storedMs: this.now() });
    this.#size += size;
    this.#tidy();
  }

  get(owner: string, id: string): StoredResponse | undefined {
    this.#tidy();
    return this.#entries.get(placeOf(owner, id));
  }

  delete(owner: string, id: string): void {
    this.#remove(placeOf(owner, id));
  }

  #remove(place: string): void {
    const entry = this.#entries.get(place);
    if (entry === undefined) return;
    this.#size -= entry.size;
    this.#entries.delete(place);
  }

  #tidy(): void {
    for (const [place, { storedMs }] of this.#entries) {
      const isTooMuch = this.#entries.size > MAX_ENTRIES || this.#size > MAX_CHARACTERS;
      if (!isTooMuch && this.now() - storedMs < KEPT_MS) return;
      this.#remove(place);
    }
  }
}

function placeOf(owner: string, id: string): string {
  return `${owner} ${id}`;
}

/** What a response said, as the assistant's message of the conversation. */
export function answerMessage(output: readonly OutputItem[]): ChatMessage {
  const message: ChatMessage = { role: "assistant", content: "" };
  for (const item of output) {
    if (item.type === "message") message.content += item.content.map(({ text }) => text).join("");
    else if (item.type === "reasoning") message.thinking = (message.thinking ?? "") + (item.summary[0]?.text ?? "");
    else {
      const args = JSON.parse(item.arguments) as Record<string, unknown>;
      message.toolCalls = [...(message.toolCalls ?? []), { id: item.call_id, name: item.name, arguments: args }];
    }
  }
  return message;
}
