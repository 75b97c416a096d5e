// `run` of an embedding model: the numbers of its text, as one line of JSON.

import { AppError } from "../../base/errors.ts";
import type { Invocation } from "../command.ts";
import type { runFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import type { Session } from "./session.ts";

export async function embedOnce(
  context: CliContext,
  { model, keepAlive }: Session,
  input: string,
  { flags, given }: Invocation<typeof runFlags>,
): Promise<void> {
  if (input === "") {
    throw new AppError("invalid", `embedding models require input text. Usage: ollama run ${model} "your text here"`);
  }
  const embedding = await context.client.embed({
    model,
    input,
    ...(keepAlive === undefined ? {} : { keep_alive: keepAlive }),
    ...(given.has("truncate") ? { truncate: flags.truncate } : {}),
    ...(flags.dimensions > 0 ? { dimensions: flags.dimensions } : {}),
  });
  if (embedding === undefined) throw new AppError("internal", "no embeddings returned");
  context.stdout.write(`${JSON.stringify(embedding)}\n`);
}
