// What to do about a failure that has to do with a model: near names for one that is unknown, other models for one that is too
// large. Added to the message at a terminal only, so that what scripts read stays Ollama's.

import { humanBytes, parseBytes } from "../../base/bytes.ts";
import { AppError } from "../../base/errors.ts";
import type { CliContext } from "../context.ts";
import { parseModelName } from "../model-name.ts";
import { modelsThatFit, type SizedModel } from "./fitting-models.ts";
import { knownModels } from "./known-models.ts";
import { nearNames } from "./near-names.ts";

const MOST = 3;

/** How each command is put when it is suggested with another model; these are the ones whose words are models. */
const COMMANDS: Readonly<Record<string, "fetches" | "needs it here">> = {
  run: "fetches",
  pull: "fetches",
  show: "needs it here",
  stop: "needs it here",
  push: "needs it here",
  cp: "needs it here",
  rm: "needs it here",
};

export interface FailedCommand {
  readonly name: string;
  readonly args: readonly string[];
}

/** The error itself where there is nothing to add. */
export async function advise(error: unknown, command: FailedCommand, context: CliContext): Promise<unknown> {
  const kind = Object.hasOwn(COMMANDS, command.name) ? COMMANDS[command.name] : undefined;
  if (!(error instanceof AppError) || kind === undefined || !context.stderr.isTerminal) return error;
  if (/cloud is disabled/.test(error.message)) return withAdvice(error, PUSH_ELSEWHERE);
  const advice = isUnknownModel(error)
    ? await whatWasMeant(error, command, kind === "fetches", context)
    : isUnreachable(error)
      ? await whatIsHere(command, context)
      : await whatWouldFit(error, context);
  return advice === undefined ? error : withAdvice(error, advice);
}

const PUSH_ELSEWHERE =
  "This server has no ollama.com account. To push to another registry, give the model a name there first:\n  ollama cp MODEL HOST/NAMESPACE/MODEL";

function withAdvice(error: AppError, advice: string): AppError {
  return new AppError(error.fault, `${error.message}\n\n${advice}`, { cause: error });
}

function isUnknownModel({ fault, message }: AppError): boolean {
  return fault === "not-found" || /pull model manifest: (?:.*: )?file does not exist/.test(message);
}

/** The registry gave no answer at all. */
function isUnreachable({ message }: AppError): boolean {
  return /pull model manifest: .*(?:dial tcp|no such host|connection refused|timed? ?out|unreachable)/i.test(message);
}

async function whatIsHere({ name, args }: FailedCommand, context: CliContext): Promise<string> {
  const installed = (await installedModels(context)).map((model) => withoutLatest(model.name));
  const near = nearNames(withoutLatest(args[0] ?? ""), installed);
  const here =
    near.length === 0 ? "" : `Did you mean:\n${near.map((each) => `  ollama ${name} ${each}`).join("\n")}\n\n`;
  return `${here}The registry cannot be reached: check this machine's network, HTTPS_PROXY and OLLAMA_REGISTRY_MIRRORS of the server. 'ollama list' shows the models that are here.`;
}

async function whatWasMeant(
  error: AppError,
  { name, args }: FailedCommand,
  isFetched: boolean,
  context: CliContext,
): Promise<string | undefined> {
  const named = /model ["'`]([^"'`]+)["'`]/.exec(error.message)?.[1];
  const typed = named ?? args[0] ?? "";
  if (parseModelName(typed) === undefined) return undefined;
  const installed = (await installedModels(context)).map((model) => withoutLatest(model.name));
  const near = nearNames(withoutLatest(typed), [...installed, ...(isFetched ? knownModels.map((m) => m.name) : [])]);
  const offered = near.filter((candidate) => candidate !== withoutLatest(typed));
  if (offered.length > 0) {
    const lines = offered.map((each) => `  ollama ${name} ${each}${installed.includes(each) ? "" : "  (to download)"}`);
    return `Did you mean:\n${lines.join("\n")}`;
  }
  return isFetched
    ? "Its name may be misspelled: models are listed at https://ollama.com/library, those on this machine by 'ollama list'."
    : "'ollama list' shows the models on this machine.";
}

/** The server's own words, this one's and Ollama's alike, say how much memory there is. */
async function whatWouldFit(error: AppError, context: CliContext): Promise<string | undefined> {
  const available = /requires more system memory \(.*?\) than is available \((.*?)\)/.exec(error.message)?.[1];
  if (available === undefined) return undefined;
  const bytes = readBytes(available);
  const here = modelsThatFit(await installedModels(context), bytes).slice(0, MOST);
  const elsewhere = modelsThatFit(knownModels, bytes)
    .filter(({ name }) => !here.some((model) => withoutLatest(model.name) === name))
    .slice(0, MOST);
  if (here.length + elsewhere.length === 0) {
    return `No model that this program knows of fits into ${available}. 'ollama ps' shows what is loaded; 'ollama stop MODEL' frees its memory.`;
  }
  const line = ({ name, sizeBytes }: SizedModel, note: string): string =>
    `  ollama run ${withoutLatest(name)}  (${humanBytes(sizeBytes)}${note})`;
  const lines = [...here.map((m) => line(m, "")), ...elsewhere.map((m) => line(m, ", to download"))];
  return `These should fit:\n${lines.join("\n")}`;
}

function readBytes(text: string): number {
  try {
    return parseBytes(text);
  } catch {
    return 0;
  }
}

/** Advice must not fail where the command already has. */
async function installedModels({ client }: CliContext): Promise<SizedModel[]> {
  const { models } = await client.list().catch(() => ({ models: [] }));
  return models.map(({ name, size }) => ({ name, sizeBytes: size }));
}

function withoutLatest(name: string): string {
  return name.replace(/:latest$/, "");
}
