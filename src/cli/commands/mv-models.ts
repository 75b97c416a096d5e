// `ollama mv-models DIRECTORY`: moves the models to another place on this machine, and says what to set afterwards.

import { existsSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { resolve } from "node:path";
import { AppError } from "../../base/errors.ts";
import type { CliContext } from "../context.ts";
import { moveAdvice } from "../move-advice.ts";
import { Progress } from "../ui/progress.ts";
import type { Bar } from "../ui/progress-item.ts";

const UNIT = "/etc/systemd/system/ollama.service";

export async function run({ args }: { readonly args: readonly string[] }, context: CliContext): Promise<void> {
  const from = context.config.modelsDir;
  const to = resolve(args[0] ?? "");
  await refuseBesideServer(context, from);
  const isLink = (await lstat(from).catch(() => undefined))?.isSymbolicLink() === true;
  await move(context, from, to);
  context.stdout.write(`moved the models from ${from} to ${to}\n`);
  if (isLink) return context.stdout.write(`${from} is a link, and leads there now\n`);
  context.stdout.write(moveAdvice(to, process.platform, existsSync(UNIT)));
}

/** Ours keep a lock as well; another program can only be asked. */
async function refuseBesideServer({ client }: CliContext, from: string): Promise<void> {
  const answers = await client.heartbeat().then(
    () => true,
    () => false,
  );
  if (!answers) return;
  const directory = await client.modelsDirectory();
  if (directory === undefined || directory === from)
    throw new AppError("busy", `a server is using the models in ${from}; stop it, then run this again`);
  throw new AppError(
    "busy",
    `the server that is running uses the models in ${directory}; to move those, stop it and run this with OLLAMA_MODELS=${directory}`,
  );
}

async function move(context: CliContext, from: string, to: string): Promise<void> {
  const { moveStore } = await import("../../models/move-store.ts");
  const control = new AbortController();
  using _ = context.onInterrupt(() => control.abort());
  using progress = new Progress(context.stderr);
  let bar: Bar | undefined;
  try {
    for await (const { status, totalBytes, doneBytes, warning } of moveStore(from, to, control.signal)) {
      if (warning !== undefined) context.stdout.write(`warning: ${warning}\n`);
      if (status.startsWith("copying")) {
        bar ??= progress.bar("moving models", totalBytes);
        progress.set(bar, doneBytes);
      } else progress.spinner(status);
    }
  } catch (error) {
    if (!control.signal.aborted) throw error;
    throw new AppError(
      "canceled",
      `stopped; all models are still in ${from}. Run this again to go on, or delete ${to}`,
      { cause: error },
    );
  }
}
