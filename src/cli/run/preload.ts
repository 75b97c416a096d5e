// Loading a model before a conversation, and unloading it: a generate request without a prompt does both, depending on how
// long the model is to stay (Ollama: cmd/cmd.go, loadOrUnloadModel).

import type { CliContext } from "../context.ts";
import { Progress } from "../ui/progress.ts";

export interface PreloadOptions {
  readonly model: string;
  readonly keepAlive?: string | number | undefined;
  /** A model that cannot think refuses here, before a prompt is shown. */
  readonly think?: boolean | string | undefined;
  readonly announcesRemote?: boolean;
}

export async function preload(context: CliContext, options: PreloadOptions): Promise<void> {
  const { client, stderr } = context;
  const { model, keepAlive, think, announcesRemote } = options;
  const progress = new Progress(stderr);
  progress.spinner("");
  try {
    const { remote_host = "", remote_model = "" } = await client.show({ model });
    // Nothing is loaded for one that is served elsewhere; stopping it takes it off the list of what was used lately.
    if (remote_host !== "" && keepAlive !== 0) {
      progress.clear();
      if (announcesRemote === true) stderr.write(`Connecting to '${remote_model || model}' on '${remote_host}'\n`);
      return;
    }
    const request = {
      model,
      ...(keepAlive === undefined ? {} : { keep_alive: keepAlive }),
      ...(think === undefined ? {} : { think }),
    };
    for await (const _ of client.generate(request));
  } finally {
    progress.clear();
  }
}

export async function unload(context: CliContext, model: string): Promise<void> {
  await preload(context, { model, keepAlive: 0 });
}
