// `run MODEL PROMPT`: one prompt, one answer, through /api/generate (Ollama: cmd/cmd.go, generate).

import { explainSlowRun } from "../advice/slow-run.ts";
import type { CliContext } from "../context.ts";
import { statisticsText } from "../ui/statistics.ts";
import { takeFiles } from "./prompt-files.ts";
import { requestFields, type Session } from "./session.ts";
import { showAnswer } from "./show-answer.ts";

/** Without a prompt the model is only loaded, and nothing is printed. */
export async function generateOnce(context: CliContext, session: Session, given: string): Promise<void> {
  const { client, stdout, stderr } = context;
  const { text: prompt, images } = session.takesFiles ? await takeFiles(given, stderr) : { text: given, images: [] };
  const request = { ...requestFields(session), prompt, ...(images.length === 0 ? {} : { images: [...images] }) };
  const answer = await showAnswer(
    context,
    {
      ask: (signal) => client.generate(request, { signal }),
      partOf: ({ response, thinking, tool_calls }) => ({ content: response, thinking, tool_calls }),
    },
    session,
  );
  if (answer.failure !== undefined) {
    // A message or the shell's prompt must not stand at the end of half a sentence.
    if (stdout.isTerminal && answer.content + answer.thinking !== "") stdout.write("\n");
    // Ollama compat: Ctrl-C is no error here.
    if (answer.failure.fault !== "canceled") throw answer.failure;
    return;
  }
  if (prompt !== "") stdout.write("\n\n");
  if (session.isVerbose && answer.statistics !== undefined) stderr.write(statisticsText(answer.statistics));
  await explainSlowRun(context, session.model, answer.statistics);
}
