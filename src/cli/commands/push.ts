// `ollama push MODEL`: sends a model to a registry, and says where it is found there.

import { AppError } from "../../base/errors.ts";
import type { Invocation } from "../command.ts";
import type { transferFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import { type NameParts, parseModelName, shortName } from "../model-name.ts";
import { Progress } from "../ui/progress.ts";
import { showTransfer } from "../ui/transfer.ts";

export async function run({ args, flags }: Invocation<typeof transferFlags>, context: CliContext): Promise<void> {
  const [model = ""] = args;
  const name = parseModelName(model);
  const isOllama = name !== undefined && /\.ollama\.(?:ai|com)$/.test(name.host);
  if (isOllama && !(await isSignedIn(context))) return;
  using progress = new Progress(context.stderr);
  try {
    await showTransfer(progress, context.client.push({ model, insecure: flags.insecure }));
  } catch (error) {
    throw refusal(error);
  }
  progress.stop();
  context.stdout.write(`\nYou can find your model at:\n\n\t${name === undefined ? model : placeOf(name, isOllama)}\n`);
}

/** Ollama asks its server for the account before a push to its own registry (cmd/cmd.go, PushHandler). */
async function isSignedIn({ client, stdout }: CliContext): Promise<boolean> {
  try {
    await client.whoAmI();
    return true;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.fault === "unauthorized") {
      stdout.write("You need to be signed in to push models to ollama.com.\n\n");
      return false;
    }
    if (error.fault !== "not-found") throw error;
    const hint =
      "this server does not use ollama.com accounts; give the model a name at the registry to push to, as in 'ollama cp MODEL HOST/NAMESPACE/MODEL', and push that";
    throw new AppError("unsupported", hint, { cause: error });
  }
}

function refusal(error: unknown): unknown {
  if (!(error instanceof AppError) || !/access denied|unauthorized/i.test(error.message)) return error;
  const message = "you are not authorized to push to this namespace, create the model under a namespace you own";
  return new AppError("forbidden", message, { cause: error });
}

function placeOf(name: NameParts, isOllama: boolean): string {
  return isOllama ? `https://ollama.com/${shortName(name).replace(/:latest$/, "")}` : shortName(name);
}
