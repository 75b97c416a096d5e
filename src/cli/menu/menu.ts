// Bare `ollama` at a terminal: a menu of what can be done. Each choice is a command line, which is run as if it had been typed.

import { isNoServer } from "../../api/client.ts";
import { humanBytes } from "../../base/bytes.ts";
import { hostPort, isLoopback } from "../../base/host.ts";
import { memoryState } from "../../base/memory.ts";
import { modelsThatFit } from "../advice/fitting-models.ts";
import { knownModels } from "../advice/known-models.ts";
import type { CliContext } from "../context.ts";
import type { Choice } from "../ui/choose.ts";

interface InstalledModel {
  readonly name: string;
  readonly size: number;
}

/** The command to run, without the program's name; undefined when there is nothing more to do. */
export async function chooseFromMenu(context: CliContext): Promise<readonly string[] | undefined> {
  const { client, config } = context;
  const models = await client.list().then(
    (answer) => answer.models,
    (error: unknown) => {
      // A server that refuses (it wants a key, say) is there: starting another is no help.
      if (isNoServer(error)) return undefined;
      throw error;
    },
  );
  const title =
    models === undefined ? `No server answers at ${hostPort(config.host)}. What next?` : "What would you like to do?";
  const chosen = await context.choose(title, mainChoices(models));
  switch (chosen) {
    case undefined:
    case "leave":
      return undefined;
    case "chat":
      return command(await context.choose("Chat with which model?", chatChoices(models ?? [])));
    case "download":
      return command(await context.choose("Download which model, and chat with it?", downloadChoices(context, models)));
    default:
      return [chosen];
  }
}

function command(model: string | undefined): readonly string[] | undefined {
  return model === undefined ? undefined : ["run", model];
}

/** Without a server: undefined models, and nothing that needs one. */
export function mainChoices(models: readonly InstalledModel[] | undefined): Choice[] {
  const count = models?.length ?? 0;
  return [
    ...(count === 0
      ? []
      : [{ value: "chat", label: "Chat", hint: count === 1 ? "1 model is here" : `${count} models are here` }]),
    ...(models === undefined
      ? [{ value: "serve", label: "Start the server", hint: "in this terminal, until Ctrl-C" }]
      : [{ value: "download", label: "Download a model", hint: "of a size that fits this machine" }]),
    { value: "doctor", label: "Check this machine", hint: "ollama doctor" },
    { value: "help", label: "Show all commands", hint: "ollama help" },
    { value: "leave", label: "Leave" },
  ];
}

export function chatChoices(models: readonly InstalledModel[]): Choice[] {
  return models.map(({ name, size }) => {
    const shown = name.replace(/:latest$/, "");
    return { value: shown, label: shown, hint: humanBytes(size) };
  });
}

function downloadChoices({ config }: CliContext, models: readonly InstalledModel[] = []): Choice[] {
  const here = new Set(models.map(({ name }) => name.replace(/:latest$/, "")));
  // The memory of another machine is not known.
  const isHere = isLoopback(config.host.hostname) || config.host.hostname === "0.0.0.0";
  const bytes = isHere ? memoryState().availableBytes : Number.POSITIVE_INFINITY;
  return modelsThatFit(knownModels, bytes)
    .filter(({ name, summary }) => !here.has(name) && !summary.startsWith("embeddings"))
    .map(({ name, sizeBytes, summary }) => ({
      value: name,
      label: `${name} (${humanBytes(sizeBytes)})`,
      hint: summary,
    }));
}
