// `ollama run MODEL [PROMPT]`: answers a prompt, or holds a conversation where somebody sits at a terminal. A model that is
// not here is fetched first (Ollama: cmd/cmd.go, RunHandler).

import type { ShowResponse } from "../../api/schema/models.ts";
import { AppError } from "../../base/errors.ts";
import type { Invocation } from "../command.ts";
import type { runFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import { parseFormat, parseKeepAlive } from "../run/flag-values.ts";
import { applyModel, type Session } from "../run/session.ts";
import { parseThink } from "../think.ts";

type Input = Invocation<typeof runFlags>;

export async function run(input: Input, context: CliContext): Promise<void> {
  const [model = "", ...words] = input.args;
  const session = newSession(input, model);
  const { stdin, stdout } = context;
  const piped = stdin.isTerminal ? "" : await stdin.readAll();
  const prompts = piped === "" ? words : [piped, ...words];
  const prompt = prompts.join(" ");
  const shown = await showOrPull(context, model, input.flags.insecure);
  applyModel(session, model, shown);
  const capabilities = shown.capabilities ?? [];
  if (capabilities.includes("embedding")) {
    const { embedOnce } = await import("../run/embed.ts");
    return embedOnce(context, session, prompt, input);
  }
  if (capabilities.includes("image")) {
    throw new AppError("unsupported", "image generation models are not currently supported");
  }
  if (stdin.isTerminal && stdout.isTerminal && prompts.length === 0) {
    const { converse } = await import("../repl/repl.ts");
    return converse(context, session);
  }
  const { generateOnce } = await import("../run/generate.ts");
  return generateOnce(context, session, prompt);
}

function newSession({ flags, given }: Input, model: string): Session {
  return {
    model,
    parentModel: "",
    loadedMessages: [],
    messages: [],
    system: "",
    options: {},
    think: given.has("think") ? parseThink(flags.think) : undefined,
    isThinkChosen: given.has("think"),
    keepAlive: parseKeepAlive(flags.keepalive),
    format: parseFormat(flags.format),
    hidesThinking: flags.hidethinking,
    wrapsWords: !flags.nowordwrap,
    isVerbose: flags.verbose,
    takesFiles: false,
  };
}

async function showOrPull(context: CliContext, model: string, insecure: boolean): Promise<ShowResponse> {
  try {
    return await context.client.show({ model });
  } catch (error) {
    if (!(error instanceof AppError) || error.fault !== "not-found") throw error;
  }
  const { pullModel } = await import("../run/pull.ts");
  await pullModel(context, model, insecure);
  return context.client.show({ model });
}
