// /set: what changes for the rest of the conversation (Ollama: cmd/interactive.go).

import { AppError } from "../../base/errors.ts";
import { goQuote } from "../../base/go-text.ts";
import { parseParameter } from "../../formats/modelfile/parameters.ts";
import { type Outcome, promptAgain, type Repl, textAfter, wordsOf } from "./command.ts";
import { parametersHelp, setHelp } from "./help-texts.ts";

export async function runSet(repl: Repl, line: string): Promise<Outcome> {
  const { stdout, stderr } = repl.context;
  const [, name, ...args] = wordsOf(line);
  if (name === undefined) {
    stderr.write(setHelp);
    return promptAgain;
  }
  if (name === "system") return setSystem(repl, textAfter(line, 2));
  const set = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
  if (set === undefined) stdout.write(`Unknown command '/set ${name}'. Type /? for help\n`);
  else await set(repl, args);
  return promptAgain;
}

type Set = (repl: Repl, args: readonly string[]) => void | Promise<void>;

const SETTINGS: Readonly<Record<string, Set>> = {
  history: ({ history }) => void (history.isSaved = true),
  nohistory: ({ history }) => void (history.isSaved = false),
  wordwrap: (repl) => setMode(repl, "wrapsWords", true, "wordwrap"),
  nowordwrap: (repl) => setMode(repl, "wrapsWords", false, "nowordwrap"),
  verbose: (repl) => setMode(repl, "isVerbose", true, "verbose"),
  quiet: (repl) => setMode(repl, "isVerbose", false, "quiet"),
  think: setThink,
  nothink: setNoThink,
  format: setFormat,
  noformat: ({ context, session }) => {
    session.format = undefined;
    context.stdout.write("Disabled format.\n");
  },
  parameter: setParameter,
};

function setMode({ context, session }: Repl, key: "wrapsWords" | "isVerbose", isOn: boolean, name: string): void {
  session[key] = isOn;
  context.stdout.write(`Set '${name}' mode.\n`);
}

async function setThink(repl: Repl, [level]: readonly string[]): Promise<void> {
  repl.session.think = level ?? true;
  repl.session.isThinkChosen = true;
  await warnIfNotThinking(repl);
  repl.context.stdout.write(level === undefined ? "Set 'think' mode.\n" : `Set 'think' mode to '${level}'.\n`);
}

async function setNoThink(repl: Repl): Promise<void> {
  repl.session.think = false;
  repl.session.isThinkChosen = true;
  await warnIfNotThinking(repl);
  repl.context.stdout.write("Set 'nothink' mode.\n");
}

async function warnIfNotThinking({ context, session: { model } }: Repl): Promise<void> {
  const shown = await context.client.show({ model }).catch(() => undefined);
  if (shown === undefined || shown.capabilities?.includes("thinking") === true) return;
  context.stderr.write(`warning: model ${goQuote(model)} does not support thinking output\n`);
}

function setFormat({ context, session }: Repl, [format]: readonly string[]): void {
  if (format !== "json") {
    return context.stdout.write("Invalid or missing format. For 'json' mode use '/set format json'\n");
  }
  session.format = format;
  context.stdout.write(`Set format to '${format}' mode.\n`);
}

function setParameter({ context, session }: Repl, [name, ...words]: readonly string[]): void {
  if (name === undefined || words.length === 0) return context.stderr.write(parametersHelp);
  try {
    session.options[name] = parseParameter(name, words);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return context.stdout.write(`Couldn't set parameter: ${goQuote(error.message)}\n`);
  }
  context.stdout.write(`Set parameter '${name}' to '${words.join(", ")}'\n`);
}

const QUOTES = '"""';

/** The text may go on over several lines, between three quotes. */
function setSystem(repl: Repl, text: string): Outcome {
  if (text === "") {
    repl.context.stderr.write(setHelp);
    return promptAgain;
  }
  if (text.startsWith(QUOTES)) return { do: "collect", into: "system", first: text };
  applySystem(repl, text);
  return promptAgain;
}

export function applySystem({ context, session }: Repl, text: string): void {
  session.system = text;
  const { messages } = session;
  const kept = messages.at(-1)?.role === "system" ? messages.slice(0, -1) : messages;
  session.messages = [...kept, { role: "system", content: text }];
  context.stdout.write("Set system message.\n");
}
