// Ollama's Execute: a conversation through a Go template, by way of .Messages, of .Prompt and .Suffix, or turn by
// turn for templates that know only .System, .Prompt and .Response (template/template.go).

import { AppError } from "../../base/errors.ts";
import { Budget } from "../../formats/gotemplate/budget.ts";
import { executeTemplate } from "../../formats/gotemplate/evaluate.ts";
import type { GoFunction } from "../../formats/gotemplate/functions.ts";
import { marshalJson } from "../../formats/gotemplate/json.ts";
import { anyMap, boolValue, INVALID, stringValue, unboxed, type Value } from "../../formats/gotemplate/value.ts";
import { cutAfterResponse } from "./cut-response.ts";
import type { Message, Think, Tool } from "./message.ts";
import { messagesValue } from "./message-values.ts";
import type { CustomFunction, GoTemplate } from "./parse-go-template.ts";
import { text, toolsValue, typeScriptType } from "./tool-values.ts";

export interface RenderInput {
  readonly messages?: readonly Message[];
  readonly tools?: readonly Tool[];
  /** With a suffix: the text before the gap to fill. Both must be non-empty to select this mode. */
  readonly prompt?: string;
  readonly suffix?: string;
  readonly think?: Think;
}

export interface RenderOptions {
  /** The day currentDate and yesterdayDate speak of, in local time. */
  readonly now?: Date;
}

function isoDate(year: number, month: number, day: number): string {
  const date = new Date(year, month, day);
  const pad = (value: number, width: number) => String(value).padStart(width, "0");
  return `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1, 2)}-${pad(date.getDate(), 2)}`;
}

/** json.Marshal with its error ignored, as Ollama's function does. */
function jsonOrNothing(value: Value): string {
  try {
    return marshalJson(value);
  } catch (error) {
    if (error instanceof AppError) return "";
    throw error;
  }
}

function customFunctions(now: Date): ReadonlyMap<string, GoFunction> {
  const date = (daysAgo: number): GoFunction => ({
    params: [],
    variadic: "string",
    call: () => stringValue(isoDate(now.getFullYear(), now.getMonth(), now.getDate() - daysAgo)),
  });
  const table: Readonly<Record<CustomFunction, GoFunction>> = {
    json: { params: ["any"], call: ([value = INVALID]) => stringValue(jsonOrNothing(value)) },
    currentDate: date(0),
    yesterdayDate: date(1),
    toTypeScriptType: { params: ["any"], call: ([value = INVALID]) => stringValue(typeScriptType(unboxed(value))) },
  };
  return new Map(Object.entries(table));
}

/** Merges neighbours of one role, except tool results; all system texts are also joined on their own. */
function collate(messages: readonly Message[]): { system: string; messages: Message[] } {
  const system: string[] = [];
  const collated: Message[] = [];
  for (const message of messages) {
    if (message.role === "system") system.push(message.content);
    const last = collated.at(-1);
    if (last && last.role === message.role && message.role !== "tool") {
      collated[collated.length - 1] = { ...last, content: `${last.content}\n\n${message.content}` };
    } else collated.push(message);
  }
  return { system: system.join("\n\n"), messages: collated };
}

class Renderer {
  readonly #budget = new Budget();
  readonly #functions: ReadonlyMap<string, GoFunction>;
  readonly #think: Readonly<Record<string, Value>>;

  constructor(
    readonly template: GoTemplate,
    think: Think | undefined,
    now: Date,
  ) {
    this.#functions = customFunctions(now);
    this.#think = {
      Think: boolValue(think?.on ?? false),
      ThinkLevel: text(think?.level),
      IsThinkSet: boolValue(think?.set ?? false),
    };
  }

  execute(data: Readonly<Record<string, Value>>): string {
    const options = { functions: this.#functions, missingKey: "zero", budget: this.#budget } as const;
    return executeTemplate(this.template, anyMap({ ...data, ...this.#think }), options);
  }

  /** Once per exchange; a turn is complete when the next message opens another. */
  legacy(messages: readonly Message[]): string {
    const parts: string[] = [];
    let turn = { system: "", prompt: "", response: "" };
    const flush = () => {
      parts.push(this.execute(turnData(turn)));
      turn = { system: "", prompt: "", response: "" };
    };
    for (const { role, content } of messages) {
      if (role === "system") {
        if (turn.prompt !== "" || turn.response !== "") flush();
        turn.system = content;
      } else if (role === "user") {
        if (turn.response !== "") flush();
        turn.prompt = content;
      } else if (role === "assistant") turn.response = content;
    }
    parts.push(this.#lastTurn(turnData(turn)));
    return parts.join("");
  }

  // Ollama rebuilds the cut tree as a bare Go template: no functions of its own, no defined templates, default options.
  #lastTurn(data: Readonly<Record<string, Value>>): string {
    const root = this.template.trees.get("") ?? { kind: "list", pos: 0, nodes: [] };
    const cut = { source: this.template.source, trees: new Map([["", cutAfterResponse(root)]]) };
    return executeTemplate(cut, anyMap({ ...data, ...this.#think }), { missingKey: "invalid", budget: this.#budget });
  }
}

function turnData({
  system,
  prompt,
  response,
}: {
  system: string;
  prompt: string;
  response: string;
}): Readonly<Record<string, Value>> {
  return { System: text(system), Prompt: text(prompt), Response: text(response) };
}

function render(template: GoTemplate, input: RenderInput, now: Date): string {
  const renderer = new Renderer(template, input.think, now);
  const { prompt = "", suffix = "" } = input;
  if (prompt !== "" && suffix !== "") {
    return renderer.execute({ Prompt: text(prompt), Suffix: text(suffix), Response: text("") });
  }
  const { system, messages } = collate(input.messages ?? []);
  if (!template.variables.has("messages")) return renderer.legacy(messages);
  return renderer.execute({
    System: text(system),
    Messages: messagesValue(messages),
    Tools: toolsValue(input.tools),
    Response: text(""),
  });
}

/** Throws AppError "invalid" in Go's words when the template fails on this input. */
export function renderGoTemplate(template: GoTemplate, input: RenderInput, options: RenderOptions = {}): string {
  try {
    return render(template, input, options.now ?? new Date());
  } catch (error) {
    // Deeply nested tool schemas or arguments exhaust the stack before any count does.
    if (error instanceof RangeError)
      throw new AppError("invalid", "template: values are nested too deeply", { cause: error });
    throw error;
  }
}
