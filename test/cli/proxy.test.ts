// A proxy is never asked for this machine's own addresses, and is asked for others; as in Go programs.

import { expect, test } from "bun:test";
import { runProgram } from "../support/program.ts";
import { ScriptedServer } from "../support/scripted-server.ts";
import { tempHome } from "../support/temp-home.ts";

test("requests to the loopback go past every proxy of the environment", async () => {
  await using server = new ScriptedServer().on("/api/tags", () => Response.json({ models: [] }));
  await using proxy = new ScriptedServer();
  await using home = await tempHome();
  const list = async (host: string) => {
    const proxies = { HTTP_PROXY: proxy.baseUrl, http_proxy: proxy.baseUrl, ALL_PROXY: proxy.baseUrl };
    return runProgram(["list"], { env: { ...home.env, ...proxies, OLLAMA_HOST: host } });
  };
  const { port } = new URL(server.baseUrl);
  for (const host of [server.baseUrl, `localhost:${port}`, `0.0.0.0:${port}`]) {
    expect([host, (await list(host)).exit]).toEqual([host, 0]);
  }
  expect(proxy.asked).toEqual([]);
  // The proxy does get what is meant for another machine.
  await list("models.example:80");
  expect(proxy.asked.length).toBeGreaterThan(0);
}, 30_000);
