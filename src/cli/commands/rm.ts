// `ollama rm MODEL...`: unloads each model and deletes it; stops at the first that cannot be deleted.

import { AppError } from "../../base/errors.ts";
import type { CliContext } from "../context.ts";
import { unload } from "../run/preload.ts";

export async function run({ args }: { readonly args: readonly string[] }, context: CliContext): Promise<void> {
  for (const model of args) {
    try {
      await unload(context, model);
    } catch (error) {
      // Deleting says it better.
      const isUnknown = error instanceof AppError && error.fault === "not-found";
      if (!isUnknown) context.stderr.write(`Warning: unable to stop model '${model}'\n`);
    }
    await context.client.remove({ model });
    context.stdout.write(`deleted '${model}'\n`);
  }
}
