// `ollama pull MODEL`: fetches a model from a registry.

import type { Invocation } from "../command.ts";
import type { transferFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import { pullModel } from "../run/pull.ts";

export async function run({ args, flags }: Invocation<typeof transferFlags>, context: CliContext): Promise<void> {
  await pullModel(context, args[0] ?? "", flags.insecure);
}
