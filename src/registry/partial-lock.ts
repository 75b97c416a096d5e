// One program at a time writes a partial download. Who comes second sees the first one's progress, and goes on where it
// stopped if it dies.

import { FileLock } from "../base/file-lock.ts";
import { sleep } from "./backoff.ts";
import { partialBytes } from "./parts-file.ts";

const LOOK_MS = 200;

/** `target` is the path that the finished file will have. The lock's file goes when it is given back. */
export async function lockPartial(
  target: string,
  totalBytes: number,
  signal: AbortSignal,
  onProgress: (completedBytes: number) => void,
): Promise<Disposable> {
  const lock = await FileLock.acquire(`${target}-partial-lock`, "exclusive", signal, async () => {
    onProgress(await partialBytes(target, totalBytes));
    await sleep(LOOK_MS, signal);
  });
  return { [Symbol.dispose]: () => lock.remove() };
}
