// `run` with a prompt, against a scripted server: what is asked, what is printed, how it ends.

import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CliOptions, runCli, TestCli } from "../../support/cli.ts";
import { TestScreen } from "../../support/screen.ts";
import { failure, ndjson, OpenStream, ScriptedServer } from "../../support/scripted-server.ts";

const chunk = (fields: object) => ({ model: "m", created_at: "t", response: "", done: false, ...fields });
const end = chunk({ done: true, done_reason: "stop" });

function serving(capabilities: readonly string[], ...answer: readonly object[]): ScriptedServer {
  return new ScriptedServer()
    .on("/api/show", () => Response.json({ details: {}, capabilities }))
    .on("/api/generate", () => ndjson(...answer, end));
}

const piped = (server: ScriptedServer, stdin = ""): CliOptions => ({ baseUrl: server.baseUrl, stdin });

test("standard input comes before the words of the prompt, joined by a blank", async () => {
  await using server = serving(["completion"], chunk({ response: "yes" }));
  const answer = { exit: 0, stdout: "yes\n\n", stderr: "" };
  expect(await runCli(piped(server, "from a pipe\n"), "run", "m", "two", "words")).toEqual(answer);
  expect(await runCli(piped(server, "only this"), "run", "m")).toEqual(answer);
  expect(await runCli(piped(server), "run", "m", "only", "words")).toEqual(answer);
  expect(server.bodies("/api/generate")).toEqual([
    { model: "m", prompt: "from a pipe\n two words" },
    { model: "m", prompt: "only this" },
    { model: "m", prompt: "only words" },
  ]);
});

test("without a prompt the model is only loaded, and nothing is printed", async () => {
  await using server = serving(["completion"]);
  const nothing = { exit: 0, stdout: "", stderr: "" };
  expect(await runCli(piped(server), "run", "m")).toEqual(nothing);
  expect(await runCli(piped(server), "run", "m", "")).toEqual(nothing);
  expect(server.bodies("/api/generate")).toEqual([
    { model: "m", prompt: "" },
    { model: "m", prompt: "" },
  ]);
});

test("flags become fields of the request", async () => {
  await using server = serving(["completion", "thinking"]);
  const schema = '{"type":"object","properties":{"a":{"type":"integer"}}}';
  await runCli(piped(server), "run", "m", "--format", "json", "--keepalive", "90s", "hi");
  await runCli(piped(server), "run", "m", "--format", schema, "--keepalive", "-1m", "--think=low", "hi");
  await runCli(piped(server), "run", "m", "--think=false", "hi");
  await runCli(piped(server), "run", "m", "--think", "high");
  expect(server.bodies("/api/generate")).toEqual([
    { model: "m", prompt: "hi", format: "json", keep_alive: "1m30s", think: true },
    { model: "m", prompt: "hi", format: JSON.parse(schema), keep_alive: -1, think: "low" },
    { model: "m", prompt: "hi", think: false },
    { model: "m", prompt: "high", think: true },
  ]);
});

test("a format that is no JSON is refused before a server is asked for an answer", async () => {
  await using server = serving(["completion"]);
  expect(await runCli(piped(server), "run", "m", "--format", "yaml", "hi")).toEqual({
    exit: 1,
    stdout: "",
    stderr: 'Error: invalid value for --format: "yaml" (must be json or a JSON schema)\n',
  });
  expect(server.bodies("/api/generate")).toEqual([]);
});

const THOUGHT = [chunk({ thinking: "hm" }), chunk({ thinking: "m" }), chunk({ response: "42" })];

test("thinking stands between two marks, and can be hidden", async () => {
  await using server = serving(["completion", "thinking"], ...THOUGHT);
  const shown = "Thinking...\nhmm\n...done thinking.\n\n42\n\n";
  expect((await runCli(piped(server), "run", "m", "hi")).stdout).toBe(shown);
  expect((await runCli(piped(server), "run", "m", "--hidethinking", "hi")).stdout).toBe("42\n\n");
});

test("tool calls that nobody asked for are told", async () => {
  const call = { function: { name: "look", arguments: { at: "<this>" } } };
  await using server = serving(["completion"], chunk({ tool_calls: [call, call] }));
  const line = `  Model called a non-existent function 'look()' with arguments: {"at":"\\u003cthis\\u003e"}`;
  expect((await runCli(piped(server), "run", "m", "hi")).stdout).toBe(`${line}\n${line}\n\n`);
});

test("--verbose tells times and counts on standard error", async () => {
  await using server = serving(["completion"]);
  server.on("/api/generate", () =>
    ndjson({ ...end, total_duration: 1_500_000_000, eval_count: 3, eval_duration: 2e9 }),
  );
  expect((await runCli(piped(server), "run", "m", "--verbose", "hi")).stderr).toBe(
    [
      "total duration:       1.5s",
      "eval count:           3 token(s)",
      "eval duration:        2s",
      "eval rate:            1.50 tokens/s\n",
    ].join("\n"),
  );
});

test("a pipe gets the text as it is: not wrapped, nothing taken out", async () => {
  const text = `${"word ".repeat(40)}\u001b[31m\u0007`;
  await using server = serving(["completion"], chunk({ response: text }));
  expect((await runCli(piped(server), "run", "m", "hi")).stdout).toBe(`${text}\n\n`);
});

test("a terminal gets whole words on its lines, and no control codes of the model's", async () => {
  await using server = serving(["completion"], chunk({ response: `${"word ".repeat(12)}\u001b]0;title\u0007` }));
  const stdout = new TestScreen(40);
  await new TestCli({ baseUrl: server.baseUrl, stdout }).run("run", "m", "hi");
  expect(stdout.lines).toEqual(["word word word word word word word", "word word word word word ]0;title"]);
  const unwrapped = new TestScreen(40);
  await new TestCli({ baseUrl: server.baseUrl, stdout: unwrapped }).run("run", "m", "--nowordwrap", "hi");
  expect(unwrapped.lines[0]).toBe("word word word word word word word word");
});

test("Ctrl-C ends the answer without an error, and the server notices", async () => {
  await using server = serving(["completion"]);
  const stream = new OpenStream();
  server.on("/api/generate", () => stream.response);
  const cli = new TestCli(piped(server));
  const running = cli.run("run", "m", "hi");
  stream.push(chunk({ response: "some" }));
  await cli.out.until("some");
  cli.interrupt();
  expect(await running).toEqual({ exit: 0, stdout: "some", stderr: "" });
  await stream.left;
});

test("a server that goes away in the middle of an answer is an error", async () => {
  await using server = serving(["completion"]);
  const stream = new OpenStream();
  server.on("/api/generate", () => stream.response);
  const cli = new TestCli(piped(server));
  const running = cli.run("run", "m", "hi");
  stream.push(chunk({ response: "some" }));
  await cli.out.until("some");
  stream.break();
  expect(await running).toEqual({
    exit: 1,
    stdout: "some",
    stderr: "Error: lost the connection to the ollama server\n",
  });
});

test("a model that is not here is fetched, and its layers are shown as they come", async () => {
  await using server = serving(["completion"], chunk({ response: "yes" }));
  let isHere = false;
  const digest = `sha256:${"ab".repeat(32)}`;
  server
    .on("/api/show", () =>
      isHere ? Response.json({ capabilities: ["completion"] }) : failure(404, "model 'm' not found"),
    )
    .on("/api/pull", () => {
      isHere = true;
      return ndjson(
        { status: "pulling manifest" },
        { status: "pulling abab", digest, total: 1000 },
        { status: "pulling abab", digest, total: 1000, completed: 500 },
        { status: "pulling abab", digest, total: 1000, completed: 1000 },
        { status: "success" },
      );
    });
  expect(await runCli(piped(server), "run", "m", "--insecure", "hi")).toEqual({
    exit: 0,
    stdout: "yes\n\n",
    stderr: "pulling manifest\npulling abababababab:  50% of 1 KB\npulling abababababab: 100% of 1 KB\nsuccess\n",
  });
  expect(server.bodies("/api/pull")).toEqual([{ model: "m", insecure: true }]);
});

test("a model that cannot be fetched is the pull's error", async () => {
  await using server = serving(["completion"]);
  const message = "pull model manifest: file does not exist";
  server.on("/api/show", () => failure(404, "model 'm' not found")).on("/api/pull", () => ndjson({ error: message }));
  expect(await runCli(piped(server), "run", "m", "hi")).toEqual({ exit: 1, stdout: "", stderr: `Error: ${message}\n` });
});

test("an embedding model prints the numbers of its text as one line", async () => {
  await using server = serving(["embedding"]);
  server.on("/api/embed", () => Response.json({ embeddings: [[0.25, -1e-7, 3]] }));
  const answer = { exit: 0, stdout: "[0.25,-1e-7,3]\n", stderr: "" };
  expect(await runCli(piped(server), "run", "e", "text")).toEqual(answer);
  expect(await runCli(piped(server), "run", "e", "--truncate=false", "--dimensions", "2", "text")).toEqual(answer);
  expect(server.bodies("/api/embed")).toEqual([
    { model: "e", input: "text" },
    { model: "e", input: "text", truncate: false, dimensions: 2 },
  ]);
  expect((await runCli(piped(server), "run", "e")).stderr).toBe(
    'Error: embedding models require input text. Usage: ollama run e "your text here"\n',
  );
});

test("images in the prompt of a model that sees are sent along, and their paths taken out", async () => {
  await using server = serving(["completion", "vision"], chunk({ response: "a dot" }));
  const folder = await mkdtemp(join(tmpdir(), "ollama-test-"));
  try {
    const png = Buffer.from("\x89PNG\r\n\x1a\nrest", "latin1");
    await Bun.write(join(folder, "a dot.png"), png);
    const written = join(folder, "a\\ dot.png");
    const { stderr } = await runCli(piped(server), "run", "m", `what is '${written}' and ${join(folder, "none.jpg")}?`);
    expect(stderr).toBe(`Added image '${join(folder, "a dot.png")}'\n`);
    expect(server.bodies("/api/generate")).toEqual([
      { model: "m", prompt: `what is  and ${join(folder, "none.jpg")}?`, images: [png.toString("base64")] },
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
