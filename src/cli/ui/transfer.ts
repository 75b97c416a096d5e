// Progress lines of create, pull and push: a bar for each digest that is on its way, a spinner for each status.

import type { ProgressResponse } from "../../api/schema/models.ts";
import type { Progress } from "./progress.ts";
import type { Bar } from "./progress-item.ts";

export interface TransferLook {
  /** What a bar is called, if not by its status. */
  readonly barName?: (digest: string) => string;
  /** Ollama: a pull shows a layer only once something of it is here (cmd/cmd.go, pullModelWithProgress). */
  readonly hidesUntouched?: boolean;
}

export async function showTransfer(
  progress: Progress,
  events: AsyncIterable<ProgressResponse>,
  { barName, hidesUntouched = false }: TransferLook = {},
): Promise<void> {
  const bars = new Map<string, Bar>();
  let shown: string | undefined;
  for await (const { status = "", digest = "", total = 0, completed = 0 } of events) {
    if (digest === "") {
      if (status !== shown) progress.spinner(status);
      shown = status;
      continue;
    }
    if (hidesUntouched && completed === 0) continue;
    const known = bars.get(digest);
    if (known !== undefined) {
      progress.set(known, completed);
      continue;
    }
    bars.set(
      digest,
      progress.bar(barName?.(digest) ?? (status === "" ? briefDigest(digest) : status), total, completed),
    );
  }
}

/** "sha256:0123…" → its first 12 digits. */
export function briefDigest(digest: string): string {
  const hex = /^sha256:(.*)$/s.exec(digest)?.[1];
  return hex === undefined ? digest.trim() : hex.trim().slice(0, 12);
}
