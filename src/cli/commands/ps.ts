// `ollama ps [PREFIX]`: the models in the server's memory.

import { humanBytes } from "../../base/bytes.ts";
import { nowNs, parseRfc3339, zeroTimeNs } from "../../base/rfc3339.ts";
import type { CliContext } from "../context.ts";
import { processorText, remoteText, untilText } from "../ui/placement.ts";
import { renderTable } from "../ui/table.ts";

export async function run({ args }: { readonly args: readonly string[] }, context: CliContext): Promise<void> {
  const { models } = await context.client.listRunning();
  const rows = models
    .filter(({ name }) => name.startsWith(args[0] ?? ""))
    .map(({ name, digest, size, size_vram, context_length, expires_at, remote_host = "", remote_failure }) => [
      name,
      digest.slice(0, 12),
      remote_host === "" ? humanBytes(size) : "-",
      remote_host === "" ? processorText(size, size_vram) : remoteText(remote_failure),
      remote_host !== "" && context_length === 0 ? "-" : String(context_length),
      untilText(expires_at === "" ? zeroTimeNs : parseRfc3339(expires_at), nowNs()),
    ]);
  context.stdout.write(renderTable(["NAME", "ID", "SIZE", "PROCESSOR", "CONTEXT", "UNTIL"], rows));
  // On standard error: scripts read the table.
  if (await isExposed(context)) {
    context.stderr.write(
      "Warning: this server can be reached from other machines and asks for no API key (ollama key create)\n",
    );
  }
}

/** A server that does not tell, such as Ollama's own, is not warned about. */
async function isExposed({ client }: CliContext): Promise<boolean> {
  const access = await client.accessStatus().catch(() => undefined);
  return access?.exposed === true && !access.keys_required;
}
