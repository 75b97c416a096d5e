// The server is killed while it changes the store, at many points: what it had confirmed is there at the next start, what
// it had not is there whole or not at all.

import { expect, test } from "bun:test";
import { seededRandom } from "../support/seeded-random.ts";
import { startServer } from "../support/server.ts";
import { storeState } from "../support/store-state.ts";
import { tempHome } from "../support/temp-home.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";
import { NativeClient } from "./native-client.ts";

const LONG = process.env["OLLAMA_TEST_LONG"] === "1";
const KILLS = LONG ? 60 : 12;
const LIMIT_MS = KILLS * 5000;
const WORKERS = 3;
/** Time enough for several changes of each worker, so that kills fall into all of their steps. */
const LATEST_KILL_MS = 120;

/** What the server has confirmed: the names that must be there, and those whose last change was cut off. */
class Ledger {
  readonly present = new Set<string>();
  readonly unsure = new Set<string>();

  async change(name: string, exists: boolean, act: () => Promise<unknown>): Promise<void> {
    this.unsure.add(name);
    await act();
    this.unsure.delete(name);
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
    expect(ledger.present.size).toBeGreaterThan(3);
    await using server = await startServer({ home });
    const listed = await new NativeClient(server).fetch("/api/tags");
    const { models } = (await listed.json()) as { models: { name: string }[] };
    expect(models.map(({ name }) => name).sort()).toEqual([...ledger.present].sort());
    const [first] = models;
    expect((await new NativeClient(server).generate(first?.name ?? "", "hi")).done_reason).toMatch(/stop|length/);
  },
  LIMIT_MS,
);
