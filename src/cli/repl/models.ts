// /load, /save and /clear: which model is talked to, and what is kept of the conversation (Ollama: cmd/interactive.go).

import type { CreateRequest } from "../../api/schema/models.ts";
import { AppError } from "../../base/errors.ts";
import { parseModelName } from "../model-name.ts";
import { preload } from "../run/preload.ts";
import { applyModel, freshMessages, type Session } from "../run/session.ts";
import type { Repl } from "./command.ts";

/** Parameters and the system text stay; the conversation begins anew. A model that cannot be loaded changes nothing. */
export async function loadModel({ context, session }: Repl, args: readonly string[]): Promise<void> {
  const { client, stdout } = context;
  const [model] = args;
  if (model === undefined || args.length !== 1) return stdout.write("Usage:\n  /load <modelname>\n");
  stdout.write(`Loading model '${model}'\n`);
  try {
    const next: Session = { ...session, messages: freshMessages(session) };
    applyModel(next, model, await client.show({ model }));
    await preload(context, { model, keepAlive: next.keepAlive, think: next.think, announcesRemote: true });
    Object.assign(session, next);
  } catch (error) {
    if (!(error instanceof AppError) || error.fault !== "not-found") throw error;
    stdout.write(`Couldn't find model '${model}'\n`);
  }
}

export async function saveModel({ context, session }: Repl, args: readonly string[]): Promise<void> {
  const { client, stdout } = context;
  const [model] = args;
  if (model === undefined || args.length !== 1) return stdout.write("Usage:\n  /save <modelname>\n");
  if (parseModelName(model) === undefined) return stdout.write(`error: The model name '${model}' is invalid\n`);
  for await (const _ of client.create(saveRequest(session, model)));
  stdout.write(`Created new model '${model}'\n`);
}

function saveRequest(session: Session, model: string): CreateRequest {
  const { system, options, parentModel } = session;
  const messages = [...session.loadedMessages, ...session.messages];
  return {
    model,
    from: parseModelName(parentModel) === undefined ? session.model : parentModel,
    ...(system === "" ? {} : { system }),
    ...(Object.keys(options).length === 0 ? {} : { parameters: { ...options } }),
    ...(messages.length === 0 ? {} : { messages }),
  };
}

export function clearSession({ context, session }: Repl): void {
  session.messages = freshMessages(session);
  context.stdout.write("Cleared session context\n");
}
