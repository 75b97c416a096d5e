// The bench's rows about processors: the server confined to one processor (its affinity), and to half of them (a cgroup's quota),
// against the same server with each thread count set by hand, in turns. What it chooses by itself must be close to the best.

import { appendFileSync, existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { median, random, type Server, shortPrompt, stream, threads } from "./bench-client.ts";

const STREAMS = 4;
const TOKENS = 48;

/** A cgroup of our own with a quota of so many processors; undefined where this machine does not let us make one. */
function quotaGroup(processors: number): (Disposable & { readonly add: (pid: number) => void }) | undefined {
  const version1 = existsSync("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const directory = join("/sys/fs/cgroup", version1 ? "cpu" : "", `ollama-bench-${process.pid}`);
  const periodUs = 100_000;
  try {
    mkdirSync(directory);
    if (version1) writeFileSync(join(directory, "cpu.cfs_quota_us"), String(processors * periodUs));
    else writeFileSync(join(directory, "cpu.max"), `${processors * periodUs} ${periodUs}`);
  } catch {
    if (existsSync(directory)) rmdirSync(directory);
    return undefined;
  }
  return {
    add: (pid) => appendFileSync(join(directory, "cgroup.procs"), String(pid)),
    [Symbol.dispose]: () => rmdirSync(directory),
  };
}

async function rate({ url }: Server, count: number | undefined): Promise<number> {
  const options = count === undefined ? {} : { num_thread: count };
  // The first answer loads: another thread count is another runner.
  await stream(url, `Warm ${random()}`, 24, options);
  const startedMs = performance.now();
  const results = await Promise.all(Array.from({ length: STREAMS }, () => stream(url, shortPrompt(), TOKENS, options)));
  return (results.reduce((sum, { tokens }) => sum + tokens, 0) / (performance.now() - startedMs)) * 1000;
}

export interface ConfinedServer extends AsyncDisposable {
  readonly server: Server;
}

/** `start` makes a server whose process goes through `confine` before it does anything. */
export async function measureConfined(
  start: (wrap: readonly string[], confine: (pid: number) => void) => Promise<ConfinedServer>,
  rounds: number,
  print: (line: string) => void,
): Promise<void> {
  const row = async (name: string, wrap: readonly string[], confine: (pid: number) => void) => {
    await using running = await start(wrap, confine);
    const counts = [undefined, ...Array.from({ length: threads }, (_, i) => i + 1)];
    const rates = new Map<number | undefined, number[]>(counts.map((count) => [count, []]));
    for (let round = 0; round < rounds; round++) {
      for (const count of counts) rates.get(count)?.push(await rate(running.server, count));
    }
    const byHand = counts.slice(1).map((count) => ({ count, tps: median(rates.get(count) ?? []) }));
    const best = byHand.reduce((a, b) => (b.tps > a.tps ? b : a));
    const chosen = median(rates.get(undefined) ?? []);
    const shown = byHand
      .map(({ count, tps }) => `${count} thread${count === 1 ? "" : "s"} ${tps.toFixed(0)}`)
      .join(", ");
    print(
      `${name}, ${STREAMS} streams: as chosen ${chosen.toFixed(0)} tok/s = ${(chosen / best.tps).toFixed(2)} of the best set by hand (${shown})`,
    );
  };
  await row("one processor (taskset -c 0)", ["taskset", "-c", "0"], () => undefined);
  using group = quotaGroup(threads / 2);
  if (group === undefined) print("half of the processors by quota: this machine does not let us make a cgroup");
  else await row("half of the processors by quota", [], group.add);
}
