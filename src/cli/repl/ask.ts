// One message and its answer, through /api/chat. What was said stays in the conversation even if the answer was cut short; a
// message that got no word of an answer does not, so that it can be sent again.

import type { Message } from "../../api/schema/message.ts";
import { explainSlowRun } from "../advice/slow-run.ts";
import { takeFiles } from "../run/prompt-files.ts";
import { requestFields } from "../run/session.ts";
import { showAnswer, type ShownAnswer } from "../run/show-answer.ts";
import { statisticsText } from "../ui/statistics.ts";
import type { Repl } from "./command.ts";

export async function ask({ context, session }: Repl, text: string): Promise<void> {
  const { client, stderr, stdout } = context;
  const question = session.takesFiles ? await questionWithFiles(text, stderr) : { role: "user", content: text };
  const messages = [...session.messages, question];
  const answer = await showAnswer(
    context,
    {
      ask: (signal) => client.chat({ ...requestFields(session), messages }, { signal }),
      partOf: ({ message: { content, thinking, tool_calls } }) => ({ content, thinking, tool_calls }),
    },
    session,
  );
  if (answer.failure === undefined || answer.content !== "") session.messages = [...messages, answered(answer)];
  if (answer.failure === undefined || answer.failure.fault === "canceled") {
    stdout.write("\n\n");
    if (session.isVerbose && answer.statistics !== undefined) stderr.write(statisticsText(answer.statistics));
    return explainSlowRun(context, session.model, answer.statistics);
  }
  if (answer.content + answer.thinking !== "") stdout.write("\n");
  throw answer.failure;
}

async function questionWithFiles(text: string, stderr: Repl["context"]["stderr"]): Promise<Message> {
  const { text: content, images } = await takeFiles(text, stderr);
  return { role: "user", content, ...(images.length === 0 ? {} : { images: [...images] }) };
}

function answered({ content, thinking }: ShownAnswer): Message {
  return { role: "assistant", content, ...(thinking === "" ? {} : { thinking }) };
}
