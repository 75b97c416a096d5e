// Hints that are given once and not at every run: a small file remembers which were. Losing it costs a repeated hint.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../base/atomic-file.ts";

export type Hint = "slow-on-cpu";

/** True the first time only. False as well where that cannot be remembered: better silent than a nuisance. */
export async function isFirstTime(hint: Hint, cacheDir: string): Promise<boolean> {
  const path = join(cacheDir, "hints.json");
  const said = await readSaid(path);
  if (said.includes(hint)) return false;
  try {
    await writeFileAtomic(path, `${JSON.stringify({ said: [...said, hint] })}\n`, { directoryMode: 0o700 });
    return true;
  } catch {
    return false;
  }
}

async function readSaid(path: string): Promise<readonly unknown[]> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    const said = typeof value === "object" && value !== null && "said" in value ? value.said : undefined;
    return Array.isArray(said) ? said : [];
  } catch {
    return [];
  }
}
