// `ollama list [PREFIX]`: the models on the server's disk. Upper and lower case count as the same.

import { humanBytes } from "../../base/bytes.ts";
import { humanTime } from "../../base/human-time.ts";
import { parseRfc3339, zeroTimeNs } from "../../base/rfc3339.ts";
import type { CliContext } from "../context.ts";
import { renderTable } from "../ui/table.ts";

export async function run({ args }: { readonly args: readonly string[] }, context: CliContext): Promise<void> {
  const prefix = (args[0] ?? "").toLowerCase();
  const { models } = await context.client.list();
  const rows = models
    .filter(({ name }) => name.toLowerCase().startsWith(prefix))
    .map(({ name, digest, size, modified_at, remote_model = "" }) => [
      name,
      digest.slice(0, 12),
      remote_model === "" ? humanBytes(size) : "-",
      humanTime(modified_at === "" ? zeroTimeNs : parseRfc3339(modified_at), "Never"),
    ]);
  context.stdout.write(renderTable(["NAME", "ID", "SIZE", "MODIFIED"], rows));
}
