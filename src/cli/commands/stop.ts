// `ollama stop MODEL`: unloads a model. Silent where that worked, also when it was not loaded.

import { AppError } from "../../base/errors.ts";
import type { CliContext } from "../context.ts";
import { unload } from "../run/preload.ts";

export async function run({ args }: { readonly args: readonly string[] }, context: CliContext): Promise<void> {
  const [model = ""] = args;
  try {
    await unload(context, model);
  } catch (error) {
    if (!(error instanceof AppError) || error.fault !== "not-found") throw error;
    throw new AppError("not-found", `couldn't find model "${model}" to stop`, { cause: error });
  }
}
