// Modelfile text → commands, with Ollama's errors and its quirks (parser/parser.go):
//   instruction = word blank value | "PARAMETER" blank name blank value | "MESSAGE" blank role blank value | "#" comment
//   value       = bare to end of line | '"' … '"' at a line's end | '"""' … '"""' at a line's end
// A value that opens with a quote goes on until a line ends with that quote; there are no escapes.

import { AppError } from "../../base/errors.ts";
import { dropUnprintable } from "../../base/go-text.ts";
import { decodeModelfile, isBlank, isNewline, Reader, trimBlanks, trimBlanksEnd, trimBlanksStart } from "./lex.ts";

export interface Command {
  /** Lower case instruction; "model" for FROM, the parameter's own name for PARAMETER. */
  readonly name: string;
  /** Unquoted value; "role: text" for MESSAGE. */
  readonly args: string;
}

export interface Modelfile {
  readonly commands: readonly Command[];
}

const INSTRUCTIONS = [
  "from",
  "license",
  "template",
  "system",
  "adapter",
  "draft",
  "renderer",
  "parser",
  "parameter",
  "message",
  "requires",
  "remote_model",
] as const;
type Instruction = (typeof INSTRUCTIONS)[number];

/** Ollama's words: they leave out what only we have. */
const INVALID_COMMAND = `command must be one of ${INSTRUCTIONS.slice(0, -2)
  .map((name) => `"${name}"`)
  .join(", ")}, or "requires"`;

export function parseModelfile(source: Uint8Array | string): Modelfile {
  const reader = new Reader(typeof source === "string" ? source.replace(/^\uFEFF/, "") : decodeModelfile(source));
  const commands: Command[] = [];
  for (let char = reader.next(); char !== undefined; char = reader.next()) {
    if (char === "#") reader.restOfLine();
    else if (!isBlank(char) && !isNewline(char)) commands.push(parseInstruction(reader, char));
  }
  if (!commands.some((command) => command.name === "model")) throw new AppError("invalid", "no FROM line");
  return { commands };
}

function parseInstruction(reader: Reader, first: string): Command {
  const instruction = readInstruction(reader, first);
  switch (instruction) {
    case "from":
      return { name: "model", args: readValue(reader) };
    case "parameter":
      return { name: readWord(reader, /\w/), args: readValue(reader) };
    case "message":
      return { name: "message", args: `${readRole(reader)}: ${readValue(reader)}` };
    case "license":
    case "template":
    case "system":
    case "adapter":
    case "draft":
    case "renderer":
    case "parser":
    case "requires":
    case "remote_model":
      return { name: instruction, args: readValue(reader) };
    default:
      return instruction satisfies never;
  }
}

/** The first character may be anything (Ollama checks only from the second on); unprintable ones vanish. */
function readInstruction(reader: Reader, first: string): Instruction {
  let word = dropUnprintable(first);
  for (let char = reader.next(); ; char = reader.next()) {
    if (char === undefined) throw unexpectedEnd();
    if (isBlank(char)) break;
    if (!/[A-Za-z_]/.test(char)) throw parseError(reader, INVALID_COMMAND);
    // Longer than any instruction: wait for the end of the word, but keep no more of it.
    if (word.length < 16) word += char;
  }
  const name = word.toLowerCase();
  const known = INSTRUCTIONS.find((instruction) => instruction === name);
  if (known === undefined) throw parseError(reader, INVALID_COMMAND);
  return known;
}

/** Ollama compat: a second blank after PARAMETER or MESSAGE ends an empty word. */
function readWord(reader: Reader, allowed: RegExp): string {
  let word = "";
  for (let char = reader.next(); ; char = reader.next()) {
    if (char === undefined) throw unexpectedEnd();
    if (isBlank(char)) return word;
    if (!allowed.test(char)) throw unexpectedEnd(word);
    word += char;
  }
}

function readRole(reader: Reader): string {
  const role = readWord(reader, /[A-Za-z]/);
  if (role === "system" || role === "user" || role === "assistant") return role;
  throw parseError(reader, 'message role must be one of "system", "user", or "assistant"');
}

function readValue(reader: Reader): string {
  const first = reader.restOfLine();
  let text = trimBlanks(dropUnprintable(first.text));
  const quote = text.startsWith('"""') ? '"""' : text.startsWith('"') ? '"' : "";
  if (quote === "") return text;
  if (text.length >= 2 * quote.length && text.endsWith(quote)) return text.slice(quote.length, -quote.length);

  const lines = [trimBlanksStart(dropUnprintable(first.text))];
  for (let end = first.end; end !== undefined;) {
    const line = reader.restOfLine();
    text = dropUnprintable(line.text);
    const closed = trimBlanks(text).endsWith(quote);
    lines.push(end, closed ? trimBlanksEnd(text) : text);
    if (closed) return lines.join("").slice(quote.length, -quote.length);
    end = line.end;
  }
  throw unexpectedEnd();
}

function parseError(reader: Reader, message: string): AppError {
  return new AppError("invalid", `(line ${reader.line}): ${message}`);
}

function unexpectedEnd(seen?: string): AppError {
  return new AppError("invalid", seen === undefined ? "unexpected EOF" : `unexpected EOF: ${seen}`);
}
