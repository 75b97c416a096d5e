// `ollama cp SOURCE DESTINATION`: another name for a model.

import type { CliContext } from "../context.ts";

export async function run({ args }: { readonly args: readonly string[] }, context: CliContext): Promise<void> {
  const [source = "", destination = ""] = args;
  await context.client.copy({ source, destination });
  context.stdout.write(`copied '${source}' to '${destination}'\n`);
}
