// How this program starts itself again in a hidden role: the compiled binary re-runs itself, a checkout runs main.ts.

import { join } from "node:path";

export const isCompiled = Bun.main.startsWith("/$bunfs/") || /^[A-Z]:[\\/]~BUN/i.test(Bun.main);

export function selfCommand(...args: string[]): string[] {
  return isCompiled ? [process.execPath, ...args] : [process.execPath, join(import.meta.dir, "../main.ts"), ...args];
}
