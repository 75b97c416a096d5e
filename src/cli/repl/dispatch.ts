// One line from the prompt → what happens. Commands are known by how the line begins, so that /listx lists too
// (Ollama: cmd/interactive.go).

import { findPaths } from "../run/prompt-files.ts";
import { type Outcome, promptAgain, type Repl, wordsOf } from "./command.ts";
import { commandsHelp, setHelp, shortcutsHelp, showHelp } from "./help-texts.ts";
import { clearSession, loadModel, saveModel } from "./models.ts";
import { runSet } from "./set.ts";
import { runShow } from "./show.ts";
import { startsTripleQuoted } from "./triple-quoted.ts";

type Run = (repl: Repl, line: string) => Outcome | void | Promise<Outcome | void>;

/** The first row that fits counts. */
const COMMANDS: readonly (readonly [prefix: string, run: Run])[] = [
  ["/list", listModels],
  ["/load", (repl, line) => loadModel(repl, wordsOf(line).slice(1))],
  ["/save", (repl, line) => saveModel(repl, wordsOf(line).slice(1))],
  ["/clear", (repl) => clearSession(repl)],
  ["/set", runSet],
  ["/show", runShow],
  ["/help", help],
  ["/?", help],
  ["/exit", () => ({ do: "leave" })],
  ["/bye", () => ({ do: "leave" })],
];

export async function dispatchLine(repl: Repl, line: string): Promise<Outcome> {
  if (startsTripleQuoted(line)) return { do: "collect", into: "message", first: line };
  if (!line.startsWith("/")) return { do: "send", text: line };
  const known = COMMANDS.find(([prefix]) => line.startsWith(prefix));
  if (known !== undefined) return (await known[1](repl, line)) ?? promptAgain;
  const [word = ""] = wordsOf(line);
  if (repl.session.takesFiles && findPaths(line).some((path) => path.startsWith(word)))
    return { do: "send", text: line };
  repl.context.stdout.write(`Unknown command '${word}'. Type /? for help\n`);
  return promptAgain;
}

async function listModels({ context }: Repl, line: string): Promise<void> {
  const { run } = await import("../commands/list.ts");
  await run({ args: wordsOf(line).slice(1) }, context);
}

function help({ context, session }: Repl, line: string): void {
  const [, topic] = wordsOf(line);
  const texts: Readonly<Record<string, string>> = {
    set: setHelp,
    "/set": setHelp,
    show: showHelp,
    "/show": showHelp,
    shortcut: shortcutsHelp,
    shortcuts: shortcutsHelp,
  };
  if (topic === undefined) context.stderr.write(commandsHelp(session.takesFiles));
  else if (Object.hasOwn(texts, topic)) context.stderr.write(texts[topic] ?? "");
}
