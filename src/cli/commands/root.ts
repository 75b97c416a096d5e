// `ollama --version`: the server's version, and this program's where they differ. Never fails.

import type { Invocation } from "../command.ts";
import type { rootFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import { VERSION } from "../../version.ts";

/** A server that is there answers at once; scripts that ask for a version must not hang on one that is not. */
const TIMEOUT_MS = 2000;

export async function run(_input: Invocation<typeof rootFlags>, { client, stdout }: CliContext): Promise<void> {
  const served = await client.version({ signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => undefined);
  if (served === undefined) stdout.write("Warning: could not connect to a running Ollama instance\n");
  if (served !== undefined && served !== "") stdout.write(`ollama version is ${served}\n`);
  if (served !== VERSION) stdout.write(`Warning: client version is ${VERSION}\n`);
}
