// `ollama signin`: there is no account to sign in to; scripts that call it go on.

import type { CliContext } from "../context.ts";

export async function run(_input: unknown, { stdout }: CliContext): Promise<void> {
  stdout.write("This build does not use ollama.com accounts; there is nothing to sign in to.\n");
}
