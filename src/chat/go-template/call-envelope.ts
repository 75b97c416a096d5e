// How a Go template writes tool calls, learnt by letting it write two: the history of a conversation shows calls in the form in
// which the model was taught to write them. Ollama has no such thing, it does not enforce calls.

import { AppError } from "../../base/errors.ts";
import type { ToolEnvelope } from "../output-family.ts";
import type { GoTemplate } from "./parse-go-template.ts";
import { renderGoTemplate } from "./render-go-template.ts";
import { overlapLength } from "../families/whitespace.ts";
import { createToolCallSplitter } from "../tool-calls.ts";
import type { Message, Tool } from "./message.ts";

const QUESTION = "the-question";
const RESULT = "the-result";
const FIRST = { name: "first-call", value: "first-value" };
const SECOND = { name: "second-call", value: "second-value" };

const TOOL: Tool = {
  type: "function",
  function: { name: "a-tool", description: "", parameters: { type: "object", required: [], properties: {} } },
};

/** Undefined where the calls are not a name and then a JSON object, or where this program would not read them back. */
export function callEnvelope(template: GoTemplate, tag: string): ToolEnvelope | undefined {
  const one = partsOf(rendered(template, [FIRST]), tag);
  const end = one === undefined ? undefined : ending(one.begin + one.afterName, one.rest, tag);
  if (one === undefined || end === undefined) return undefined;
  // Some templates write the head of the turn inside the branch of the calls; the prompt has it already.
  const begin = one.begin.slice(overlapLength(rendered(template, []), one.begin));
  if (!isReadBack(`${begin}${FIRST.name}${one.afterName}${argumentsOf(FIRST)}${end}`, tag)) return undefined;
  // After a call that begins with a bare brace, the reader takes everything for text, as Ollama's does.
  const between = tag === "{" ? undefined : separator(rendered(template, [FIRST, SECOND]), one);
  return {
    begin,
    beforeName: "",
    name: begin.endsWith('"') ? "json" : "plain",
    afterName: one.afterName,
    arguments: { as: "json" },
    afterArguments: "",
    ...(between === undefined ? {} : { between: end.includes("]") ? listSeparator(between) : between }),
    end,
  };
}

function isReadBack(text: string, tag: string): boolean {
  const splitter = createToolCallSplitter(tag, [{ ...TOOL, type: "function", function: { name: FIRST.name } }]);
  const [event, ...others] = [...splitter.feed(text), ...splitter.finish()];
  return others.length === 0 && event?.kind === "tool-call" && event.call.arguments["key"] === FIRST.value;
}

/** Templates forget the comma between calls that stand in a list; models do not. */
function listSeparator(between: string): string {
  return between.includes(",") && !between.startsWith("}{") ? between : between.replace("{", ", {");
}

function argumentsOf({ value }: typeof FIRST): string {
  return JSON.stringify({ key: value });
}

/** What stands behind the question: these calls up to their result, or the head of an answer; "" where it cannot be run. */
function rendered(template: GoTemplate, calls: readonly (typeof FIRST)[]): string {
  const question: Message = { role: "user", content: QUESTION };
  const answered: Message[] = [
    {
      role: "assistant",
      content: "",
      toolCalls: calls.map(({ name, value }, index) => ({ function: { index, name, arguments: { key: value } } })),
    },
    { role: "tool", content: RESULT, toolName: FIRST.name },
  ];
  try {
    const messages = calls.length === 0 ? [question] : [question, ...answered];
    const text = renderGoTemplate(template, { messages, tools: [TOOL] });
    const answer = text.slice(text.lastIndexOf(QUESTION) + QUESTION.length);
    return calls.length === 0 ? answer : answer.slice(0, answer.indexOf(RESULT));
  } catch (error) {
    if (error instanceof AppError) return "";
    throw error;
  }
}

interface Parts {
  readonly begin: string;
  readonly afterName: string;
  /** What stands behind the arguments. */
  readonly rest: string;
}

function partsOf(answer: string, tag: string): Parts | undefined {
  const name = answer.indexOf(FIRST.name);
  const args = argumentsOf(FIRST);
  const from = answer.indexOf(args, name);
  const start = answer.indexOf(tag);
  if (name === -1 || from === -1 || start === -1 || start > name) return undefined;
  return {
    begin: answer.slice(start, name),
    afterName: answer.slice(name + FIRST.name.length, from),
    rest: answer.slice(from + args.length),
  };
}

/** What stands between the arguments of one call and the name of the next, if that is written like the first. */
function separator(answer: string, { afterName }: Parts): string | undefined {
  const args = argumentsOf(FIRST);
  const from = answer.indexOf(args);
  const name = answer.indexOf(SECOND.name, from);
  const same = answer.startsWith(SECOND.name + afterName + argumentsOf(SECOND), name);
  return from === -1 || name === -1 || !same ? undefined : answer.slice(from + args.length, name);
}

const BRACKETS: ReadonlyMap<string, string> = new Map([
  ["{", "}"],
  ["[", "]"],
]);

/** The brackets that close what is open before the arguments, and the tag's own closing; what ends the turn stays out. */
function ending(before: string, rest: string, tag: string): string | undefined {
  const open: string[] = [];
  for (const char of before) {
    const close = BRACKETS.get(char);
    if (close !== undefined) open.push(close);
    else if (char === open.at(-1)) open.pop();
  }
  let end = "";
  for (const char of rest) {
    if (open.length === 0) break;
    if (char === open.at(-1)) open.pop();
    else if (char.trim() !== "") return undefined;
    end += char;
  }
  const closing = `${tag.slice(0, 1)}/${tag.slice(1)}`;
  const at = rest.indexOf(closing, end.length);
  const isNext = at !== -1 && rest.slice(end.length, at).trim() === "";
  return open.length > 0 ? undefined : isNext ? rest.slice(0, at + closing.length) : end;
}
