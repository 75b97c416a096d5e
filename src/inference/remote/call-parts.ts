// Tool calls arrive in pieces: an id and a name first, then the arguments' JSON bit by bit. Puts them together, within bounds.

import { isRecord } from "../../api/responses.ts";
import type { AnswerEvent } from "../model.ts";
import { toolCallId } from "../read-answer.ts";
import { countAt, textAt } from "./wire-values.ts";

interface Part {
  id: string;
  name: string;
  json: string;
}

const MAX_CALLS = 256;
const MAX_ARGUMENT_LENGTH = 8_000_000;

export class CallParts {
  readonly #parts = new Map<number, Part>();
  #length = 0;
  #given = 0;
  malformed = false;

  /** Throws a reason when there is more than any model means to call. */
  add(piece: unknown): AnswerEvent[] {
    const index = countAt(piece, "index");
    const called = isRecord(piece) ? piece["function"] : undefined;
    // The next call begins: the ones before it are whole.
    const finished = this.#parts.has(index) ? [] : this.finish();
    const part = this.#parts.get(index) ?? { id: "", name: "", json: "" };
    this.#parts.set(index, part);
    part.id ||= textAt(piece, "id");
    part.name ||= textAt(called, "name");
    const json = argumentText(called);
    part.json += json;
    this.#length += json.length;
    if (this.#given + this.#parts.size > MAX_CALLS || this.#length > MAX_ARGUMENT_LENGTH)
      throw new Error("called tools without end");
    return finished;
  }

  finish(): AnswerEvent[] {
    const events = [...this.#parts.values()].map((part) => this.#event(part));
    this.#parts.clear();
    return events;
  }

  /** What cannot be read comes as text, as it does from a model of this machine. */
  #event({ id, name, json }: Part): AnswerEvent {
    const args = json.trim() === "" ? {} : parsed(json);
    if (!isRecord(args) || name === "") {
      this.malformed = true;
      return { type: "text-delta", text: `${name}${json}` };
    }
    return {
      type: "tool-call",
      call: { id: id === "" ? toolCallId() : id, index: this.#given++, name, arguments: args },
    };
  }
}

/** JSON as text; some engines send the object itself. */
function argumentText(called: unknown): string {
  const value = isRecord(called) ? called["arguments"] : undefined;
  if (typeof value === "string") return value;
  return isRecord(value) ? JSON.stringify(value) : "";
}

function parsed(json: string): unknown {
  try {
    const value: unknown = JSON.parse(json);
    return value;
  } catch {
    return undefined;
  }
}
