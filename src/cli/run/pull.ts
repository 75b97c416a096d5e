// Fetching a model with its progress shown: `pull`, and `run` of a model that is not here.

import type { CliContext } from "../context.ts";
import { Progress } from "../ui/progress.ts";
import { briefDigest, showTransfer } from "../ui/transfer.ts";

export async function pullModel({ client, stderr }: CliContext, model: string, insecure: boolean): Promise<void> {
  using progress = new Progress(stderr);
  const events = client.pull({ model, insecure });
  await showTransfer(progress, events, {
    barName: (digest) => `pulling ${briefDigest(digest)}:`,
    hidesUntouched: true,
  });
}
