// The server is killed while it changes the store, at many points: what it had confirmed is there at the next start, what
// it had not is there whole or not at all.

import { expect, test } from "bun:test";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { findKey } from "../../src/access/api-key.ts";
import { KeyStore } from "../../src/access/key-store.ts";
import { tellFigures } from "../support/figures.ts";
import { programCommand } from "../support/program.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { freePort, startServer } from "../support/server.ts";
import { storeState } from "../support/store-state.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";
import { NativeClient } from "./native-client.ts";

const LONG = process.env["OLLAMA_TEST_LONG"] === "1";
const KILLS = LONG ? 60 : 12;
const LIMIT_MS = KILLS * 5000;
const WORKERS = 3;
/** Time enough for several changes of each worker, so that kills fall into all of their steps. */
const LATEST_KILL_MS = 500;

/** What the server has confirmed: the names that must be there, and those whose last change was cut off. */
class Ledger {
  readonly present = new Set<string>();
  readonly unsure = new Set<string>();
  changes = 0;

  async change(name: string, exists: boolean, act: () => Promise<unknown>): Promise<void> {
    this.unsure.add(name);
    await act();
    this.unsure.delete(name);
    this.changes++;
    if (exists) this.present.add(name);
    else this.present.delete(name);
  }
}

async function work(client: NativeClient, ledger: Ledger, worker: number, seed: number): Promise<never> {
  const random = seededRandom(seed);
  const remove = async (model: string): Promise<void> => {
    const response = await client.fetch("/api/delete", { method: "DELETE", body: JSON.stringify({ model }) });
    if (!response.ok) throw new Error(await response.text());
  };
  for (let turn = 0; ; turn++) {
    const [made, copied] = [`made-${worker}-${random.below(4)}:latest`, `copied-${worker}-${random.below(4)}:latest`];
    const seedOfModel = 1 + random.below(3);
    await ledger.change(made, true, () => client.createFromBytes(made, tinyGguf("llama", seedOfModel)));
    await ledger.change(copied, true, () =>
      client.ask("/api/create", { model: copied, from: made, system: `${turn}` }),
    );
    const twin = `twin-${worker}:latest`;
    await ledger.change(twin, true, async () => {
      const response = await client.post("/api/copy", { source: copied, destination: twin });
      if (!response.ok) throw new Error(await response.text());
    });
    await ledger.change(made, false, () => remove(made));
  }
}

test(
  `killed ${KILLS} times in the middle of create, copy and delete, the store is whole each time`,
  async () => {
    await using home = await tempHome();
    const ledger = new Ledger();
    const random = seededRandom(9);
    for (let kill = 0; kill < KILLS; kill++) {
      const server = await startServer({ home });
      const client = new NativeClient(server);
      const workers = Array.from({ length: WORKERS }, (_, worker) => work(client, ledger, worker, kill * 10 + worker));
      const ended = Promise.allSettled(workers);
      await Bun.sleep((kill / KILLS) * LATEST_KILL_MS + random.below(20));
      await server.kill();
      await ended;
      await server[Symbol.asyncDispose]();
      const { models, damage } = await storeState(home.modelsDir);
      expect(damage).toEqual([]);
      for (const name of ledger.present) if (!ledger.unsure.has(name)) expect(models).toContain(name);
      for (const name of models) if (!ledger.unsure.has(name)) expect([...ledger.present]).toContain(name);
      for (const name of ledger.unsure) {
        if (models.includes(name)) ledger.present.add(name);
        else ledger.present.delete(name);
      }
      ledger.unsure.clear();
    }
    tellFigures("server killed while it changed the store", { kills: KILLS, confirmed: ledger.changes });
    expect(ledger.changes).toBeGreaterThan(KILLS);
    await using server = await startServer({ home });
    const listed = await new NativeClient(server).fetch("/api/tags");
    const { models } = (await listed.json()) as { models: { name: string }[] };
    expect(models.map(({ name }) => name).sort()).toEqual([...ledger.present].sort());
    const [first] = models;
    expect((await new NativeClient(server).generate(first?.name ?? "", "hi")).done_reason).toMatch(/stop|length/);
  },
  LIMIT_MS,
);

/** When the server writes down what was used, counted from the use. */
const SAVE_AFTER_MS = 1000;
/** Nothing that is made must be readable by others because the account that makes it is careless. */
const CARELESS = ["sh", "-c", 'umask 0; exec "$0" "$@"'];

/** What is in the home besides models, and who may read it. */
async function readableByOthers(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const modes = await Promise.all(files.map(async (file) => ({ file, mode: (await stat(file)).mode & 0o077 })));
  return modes.filter(({ mode }) => mode !== 0).map(({ file }) => file);
}

interface UsageRow {
  readonly who: string;
  readonly requests: number;
}

async function usageOf(home: TempHome, port: number): Promise<UsageRow[]> {
  const file = Bun.file(join(home.path, `.ollama/usage-${port}.json`));
  return (await file.exists()) ? ((await file.json()) as { rows: UsageRow[] }).rows : [];
}

test(
  `key changes and their server killed ${KILLS} times: every key is whole or absent, usage is never lost, nothing is readable by others`,
  async () => {
    await using home = await tempHome();
    const port = await freePort();
    const random = seededRandom(10);
    const command = (...args: readonly string[]) =>
      Bun.spawn([...CARELESS, ...programCommand(), "key", ...args], {
        env: { ...home.env, OLLAMA_HOST: `127.0.0.1:${port}` },
        stdout: "pipe",
        stderr: "pipe",
      });
    const open = await startServer({ home, port, launcher: CARELESS });
    await new NativeClient(open).createTiny("m", "llama");
    await open[Symbol.asyncDispose]();
    const first = command("create", "stays");
    const key = (await new Response(first.stdout).text()).trim();
    const present = new Set(["stays"]);
    const seen = { asked: 0, created: 0, cut: 0 };
    for (let kill = 0; kill < KILLS; kill++) {
      const server = await startServer({ home, port, launcher: CARELESS });
      const ask = () =>
        fetch(`${server.baseUrl}/api/tokenize`, {
          method: "POST",
          body: '{"model":"m","text":"x"}',
          headers: { authorization: `Bearer ${key}` },
        }).then(({ status }) => status);
      expect(await ask()).toBe(200);
      const savedMs = performance.now() + SAVE_AFTER_MS;
      const name = `k${kill}`;
      const victim = [...present].find((each) => each !== "stays");
      const isRevoking = victim !== undefined && kill % 3 === 2;
      const change = isRevoking ? command("revoke", victim) : command("create", name);
      await Bun.sleep(random.below(50));
      change.kill("SIGKILL");
      const exit = await change.exited;
      // Every other time the server dies while it writes down what was used.
      if (kill % 2 === 1) await Bun.sleep(Math.max(0, savedMs - performance.now() - 20 + random.below(40)));
      const asked = ask().catch(() => 0);
      await server.kill();
      await asked;
      await server[Symbol.asyncDispose]();

      const changed = isRevoking ? victim : name;
      const { keys, problems } = new KeyStore(join(home.path, ".ollama")).table();
      const names = keys.map((each) => each.name);
      expect(problems).toEqual([]);
      expect(findKey(keys, key)?.name).toBe("stays");
      for (const each of present) if (each !== changed) expect(names).toContain(each);
      if (exit === 0) expect(names.includes(changed)).toBe(!isRevoking);
      seen[exit === 0 ? "created" : "cut"]++;
      present.clear();
      for (const each of names) present.add(each);
      expect(await readableByOthers(join(home.path, ".ollama"))).toEqual([]);
      const rows = await usageOf(home, port);
      const requests = rows.reduce((sum, row) => sum + row.requests, 0);
      expect(requests).toBeGreaterThanOrEqual(seen.asked);
      seen.asked = requests;
    }
    tellFigures("killed while keys changed", { kills: KILLS, commandsEnded: seen.created, commandsCut: seen.cut });
    expect(seen.cut).toBeGreaterThan(0);
    expect(seen.asked).toBeGreaterThan(0);
    const list = command("list");
    const text = await new Response(list.stdout).text();
    for (const each of present) expect(text).toContain(each);
  },
  LIMIT_MS,
);
