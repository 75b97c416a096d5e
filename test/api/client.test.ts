import { expect, test } from "bun:test";
import { Client } from "../../src/api/client.ts";
import { rejection } from "../support/rejection.ts";
import { freePort } from "../support/server.ts";
import { failure, ndjson, OpenStream, ScriptedServer } from "../support/scripted-server.ts";

function clientOf(baseUrl: string): Client {
  return new Client({ baseUrl, userAgent: "ollama/1.2.3 (amd64 linux) Bun/1" });
}

const chunk = (response: string, done = false) => ({ model: "m", created_at: "t", response, done });

test("where nothing listens, every call gives the hint how to start a server", async () => {
  const client = clientOf(`http://127.0.0.1:${await freePort()}`);
  const hint = "could not connect to ollama server, run 'ollama serve' to start it";
  expect((await rejection(client.heartbeat())).message).toBe(hint);
  expect((await rejection(Array.fromAsync(client.generate({ model: "m" })))).message).toBe(hint);
});

test("errors of streaming endpoints begin with the status, those of plain ones do not", async () => {
  await using server = new ScriptedServer();
  const missing = () => failure(404, "model 'x' not found");
  server.on("/api/generate", missing).on("/api/show", missing);
  const client = clientOf(server.baseUrl);
  const streamed = await rejection(Array.fromAsync(client.generate({ model: "x" })));
  expect(streamed).toMatchObject({ fault: "not-found", message: "404 Not Found: model 'x' not found" });
  const plain = await rejection(client.show({ model: "x" }));
  expect(plain).toMatchObject({ fault: "not-found", message: "model 'x' not found" });
});

test("a body that is no JSON is the message itself, and an empty one has a message of its own", async () => {
  await using server = new ScriptedServer();
  const client = clientOf(server.baseUrl);
  expect((await rejection(client.list())).message).toBe("404 page not found");
  expect((await rejection(Array.fromAsync(client.pull({ model: "m", insecure: false })))).message).toBe(
    "404 Not Found: 404 page not found",
  );
  server.on("/api/tags", () => new Response(null, { status: 500 }));
  expect((await rejection(client.list())).message).toBe(
    "something went wrong, please see the ollama server logs for details",
  );
});

test("an error line in a stream ends it, after what came before", async () => {
  await using server = new ScriptedServer();
  server.on("/api/generate", () => ndjson(chunk("a"), { error: "out of memory" }));
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { response } of clientOf(server.baseUrl).generate({ model: "m" })) seen.push(response);
  })();
  expect((await rejection(reading)).message).toBe("out of memory");
  expect(seen).toEqual(["a"]);
});

test("an answer that stops without its last chunk is an error", async () => {
  await using server = new ScriptedServer();
  server.on("/api/generate", () => ndjson(chunk("a")));
  const error = await rejection(Array.fromAsync(clientOf(server.baseUrl).generate({ model: "m" })));
  expect(error.message).toBe("the server ended its answer too early");
});

test("a connection that is cut in the middle is an error", async () => {
  await using server = new ScriptedServer();
  const stream = new OpenStream();
  server.on("/api/generate", () => stream.response);
  const answer = clientOf(server.baseUrl).generate({ model: "m" });
  const first = answer.next();
  stream.push(chunk("a"));
  expect((await first).value).toMatchObject({ response: "a" });
  stream.break();
  const error = await rejection(answer.next());
  expect(error.message).toBe("lost the connection to the ollama server");
});

test("an aborted call is canceled, and the server notices", async () => {
  await using server = new ScriptedServer();
  const stream = new OpenStream();
  server.on("/api/generate", () => stream.response);
  const abort = new AbortController();
  const answer = clientOf(server.baseUrl).generate({ model: "m" }, { signal: abort.signal });
  const first = answer.next();
  stream.push(chunk("a"));
  await first;
  abort.abort();
  expect((await rejection(answer.next())).fault).toBe("canceled");
  await stream.left;
});

test("requests say who asks and what is accepted", async () => {
  await using server = new ScriptedServer();
  server.on("/api/tags", () => Response.json({ models: null })).on("/api/chat", () => ndjson({ done: true }));
  const client = clientOf(server.baseUrl);
  expect(await client.list()).toEqual({ models: [] });
  await Array.fromAsync(client.chat({ model: "m", messages: [] }));
  const headers = server.asked.map(({ headers }) => [headers.get("user-agent"), headers.get("accept")]);
  expect(headers).toEqual([
    ["ollama/1.2.3 (amd64 linux) Bun/1", "application/json"],
    ["ollama/1.2.3 (amd64 linux) Bun/1", "application/x-ndjson"],
  ]);
});

test("absent and null fields have Go's zero values, unknown ones are dropped, and wrong types are refused", async () => {
  await using server = new ScriptedServer();
  const client = clientOf(server.baseUrl);
  server.on("/api/tags", () =>
    Response.json({ models: [{ name: "a", size: null, details: { families: null }, new: 1 }] }),
  );
  const [model] = (await client.list()).models;
  expect(model).toEqual({
    name: "a",
    model: "",
    modified_at: "",
    size: 0,
    digest: "",
    details: {
      parent_model: "",
      format: "",
      family: "",
      families: null,
      parameter_size: "",
      quantization_level: "",
    },
  });
  server.on("/api/tags", () => Response.json({ models: [{ size: "big" }] }));
  expect((await rejection(client.list())).message).toBe(
    "unexpected answer from the server: models.size is string, not a number",
  );
});

test("a path in the address stays in front of every endpoint", async () => {
  await using server = new ScriptedServer();
  server.on("/ollama/api/version", () => Response.json({ version: "9" }));
  expect(await clientOf(`${server.baseUrl}/ollama`).version()).toBe("9");
});
