// `ollama run MODEL` at a terminal: loads the model, replays what it brings along, then takes messages and commands until
// the user leaves. A failure is told and leads back to the prompt.

import { join } from "node:path";
import { toAppError } from "../../base/errors.ts";
import type { CliContext } from "../context.ts";
import { AnswerPrinter } from "../run/answer-printer.ts";
import { preload } from "../run/preload.ts";
import type { Session } from "../run/session.ts";
import { shownText } from "../ui/terminal-text.ts";
import { ask } from "./ask.ts";
import type { Outcome, Repl } from "./command.ts";
import { dispatchLine } from "./dispatch.ts";
import { History } from "./history.ts";
import { LineEditor, type Prompts } from "./line-editor.ts";
import { type MessageReader, PlainReader } from "./plain-reader.ts";
import { applySystem } from "./set.ts";
import { TripleQuoted } from "./triple-quoted.ts";

const PROMPTS: Prompts = {
  prompt: ">>> ",
  altPrompt: "... ",
  placeholder: "Send a message (/? for help)",
  altPlaceholder: "Press Enter to send",
};
const CONTINUED: Prompts = { ...PROMPTS, prompt: PROMPTS.altPrompt, placeholder: "Press Enter to send" };

export async function converse(context: CliContext, session: Session): Promise<void> {
  const { model, keepAlive, think } = session;
  await preload(context, { model, keepAlive, think, announcesRemote: true });
  replay(context, session);
  const terminal = await context.stdin.editor();
  const history = new History(join(context.config.homeDir, "history"), !context.config.noHistory);
  const reader = context.stdout.canRedraw ? new LineEditor(terminal, history) : new PlainReader(terminal, context);
  await loop({ context, session, history }, reader);
}

/** The model's own MESSAGEs, as if they had just been said. */
function replay({ stdout }: CliContext, session: Session): void {
  for (const { role, content = "" } of session.loadedMessages) {
    if (role === "user") stdout.write(`>>> ${shownText(content, stdout)}\n`);
    if (role !== "assistant") continue;
    using printer = new AnswerPrinter(stdout, session);
    printer.print({ content });
    stdout.write("\n\n");
  }
}

interface Collecting {
  readonly into: "message" | "system";
  readonly text: TripleQuoted;
}

async function loop(repl: Repl, reader: MessageReader): Promise<void> {
  const { stdout, stderr } = repl.context;
  let collecting: Collecting | undefined;
  for (;;) {
    const read = await reader.readLine(collecting === undefined ? PROMPTS : CONTINUED);
    if (read.kind === "eof") return stdout.write("\n");
    if (read.kind === "interrupt") {
      stdout.write("\nUse Ctrl + d or /bye to exit.\n");
      collecting = undefined;
      continue;
    }
    try {
      const outcome = collecting === undefined ? await dispatchLine(repl, read.text) : undefined;
      if (outcome?.do === "leave") return;
      collecting = await follow(repl, outcome, collecting, read.text);
    } catch (error) {
      collecting = undefined;
      stderr.write(`error: ${toAppError(error).message}\n`);
    }
  }
}

/** Does what a line asks for; gives back what is still being collected after it. */
async function follow(
  repl: Repl,
  outcome: Outcome | undefined,
  collecting: Collecting | undefined,
  line: string,
): Promise<Collecting | undefined> {
  if (outcome?.do === "send") await sendText(repl, outcome.text);
  const started = outcome?.do === "collect" ? { into: outcome.into, text: new TripleQuoted() } : collecting;
  if (started === undefined) return undefined;
  const whole = started.text.push(outcome?.do === "collect" ? outcome.first : line);
  if (whole === undefined) return started;
  // An opening line of quotes alone is no part of a system text (Ollama: cmd/interactive.go).
  if (started.into === "system") applySystem(repl, whole.replace(/^\n/, ""));
  else await sendText(repl, whole);
  return undefined;
}

async function sendText(repl: Repl, text: string): Promise<void> {
  if (text !== "") await ask(repl, text);
}
