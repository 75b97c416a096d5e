// Conversations at the prompt, against a scripted server: real keys, a real screen, real requests.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestCli } from "../../support/cli.ts";
import { TestEditorTerminal } from "../../support/editor-terminal.ts";
import type { Finished } from "../../support/program.ts";
import { failure, ndjson, OpenStream, ScriptedServer } from "../../support/scripted-server.ts";

const said = (content: string, done = false) => ({
  model: "m",
  created_at: "t",
  message: { role: "assistant", content },
  done,
});

let home: string;
let server: ScriptedServer;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "ollama-test-"));
  server = new ScriptedServer()
    .on("/api/show", () => Response.json({ details: { parent_model: "" }, capabilities: ["completion"] }))
    .on("/api/generate", () => ndjson({ model: "m", created_at: "t", response: "", done: true }))
    .on("/api/chat", () => ndjson(said("fine"), said("", true)));
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
});

class Conversation {
  readonly terminal: TestEditorTerminal;
  readonly cli: TestCli;
  readonly #ended: Promise<Finished>;

  constructor(args: readonly string[] = [], columns = 80) {
    this.terminal = new TestEditorTerminal(columns, 60);
    this.cli = new TestCli({ baseUrl: server.baseUrl, home, stdout: this.terminal.screen, editor: this.terminal });
    this.#ended = this.cli.run("run", "m", ...args);
  }

  /** Types each line, and waits for the prompt after it. */
  async say(...lines: readonly string[]): Promise<void> {
    for (const line of lines) await this.terminal.type(`${line}\r`);
    // Typing waits until the editor asks for more: the answer has been printed then.
    await this.terminal.type("");
  }

  /** By Ctrl-D, or by the line given. */
  async leave(line?: string): Promise<Finished> {
    await this.terminal.type(line === undefined ? "\u0004" : `${line}\r`);
    return this.#ended;
  }

  /** What the screen shows above the prompt. */
  get shown(): string[] {
    return this.terminal.screen.lines.slice(0, -1);
  }

  get ended(): Promise<Finished> {
    return this.#ended;
  }
}

const chats = (): unknown[] => server.bodies("/api/chat");

test("a message and its answer go along with the next message", async () => {
  const talk = new Conversation();
  await talk.say("hi", "and you?");
  expect(talk.shown).toEqual([">>> hi", "fine", "", ">>> and you?", "fine", ""]);
  expect(talk.terminal.screen.lines.at(-1)).toBe(">>> Send a message (/? for help)");
  expect(await talk.leave()).toMatchObject({ exit: 0, stderr: "" });
  expect(chats()).toEqual([
    { model: "m", messages: [{ role: "user", content: "hi" }] },
    {
      model: "m",
      messages: [
        { role: "user", content: "hi" },
        { role: "assistant", content: "fine" },
        { role: "user", content: "and you?" },
      ],
    },
  ]);
  expect(talk.terminal.rawDepth).toBe(0);
  expect(talk.terminal.screen.isPasteBracketed).toBe(false);
});

test("the model is loaded first, and its own messages are shown as if just said", async () => {
  const messages = [
    { role: "system", content: "be brief" },
    { role: "user", content: "hi" },
    { role: "assistant", content: "hello" },
  ];
  server.on("/api/show", () => Response.json({ capabilities: ["completion"], messages }));
  const talk = new Conversation(["--keepalive", "5m"]);
  expect((await talk.leave("/bye")).exit).toBe(0);
  expect(talk.shown.slice(0, 3)).toEqual([">>> hi", "hello", ""]);
  expect(server.bodies("/api/generate")).toEqual([{ model: "m", keep_alive: "5m0s" }]);
});

test("a model that refuses to be loaded ends the program", async () => {
  server.on("/api/generate", () => failure(400, '"m" does not support thinking'));
  const talk = new Conversation(["--think"]);
  expect(await talk.ended).toMatchObject({
    exit: 1,
    stderr: 'Error: 400 Bad Request: "m" does not support thinking\n',
  });
});

test("Ctrl-C during an answer keeps the part that was said", async () => {
  const stream = new OpenStream();
  server.on("/api/chat", () => stream.response);
  const talk = new Conversation();
  const saying = talk.say("tell me");
  await untilShown(talk, ">>> tell me");
  stream.push(said("Once upon"));
  await untilShown(talk, "Once upon");
  talk.cli.interrupt();
  await stream.left;
  await saying;
  server.on("/api/chat", () => ndjson(said("a time"), said("", true)));
  await talk.say("go on");
  expect(talk.shown).toEqual([">>> tell me", "Once upon", "", ">>> go on", "a time", ""]);
  expect(chats().at(-1)).toMatchObject({
    messages: [{ content: "tell me" }, { content: "Once upon" }, { content: "go on" }],
  });
  await talk.leave();
});

test("a server that goes away leads back to the prompt, and the message can be sent again", async () => {
  const stream = new OpenStream();
  server.on("/api/chat", () => stream.response);
  const talk = new Conversation();
  const saying = talk.say("hi");
  await untilShown(talk, ">>> hi");
  stream.break();
  await saying;
  expect(talk.cli.err.text).toBe("error: lost the connection to the ollama server\n");
  server.on("/api/chat", () => ndjson(said("fine"), said("", true)));
  await talk.say("hi");
  expect(chats().at(-1)).toEqual({ model: "m", messages: [{ role: "user", content: "hi" }] });
  await talk.leave();
});

async function untilShown(talk: Conversation, line: string): Promise<void> {
  const { screen } = talk.terminal;
  const write = screen.write.bind(screen);
  if (screen.lines.includes(line)) return;
  await new Promise<void>((resolve) => {
    screen.write = (text) => {
      write(text);
      if (screen.lines.includes(line)) resolve();
    };
  });
  screen.write = write;
}

test("text between three quotes is one message, typed or pasted", async () => {
  const talk = new Conversation();
  await talk.say('"""one', "two", '"""', '"""short"""', "\u001b[200~pasted\nlines\u001b[201~");
  const contents = chats().map((body) => (body as { messages: { content: string }[] }).messages.at(-1)?.content);
  expect(contents).toEqual(["one\ntwo\n", "short", "pasted\nlines"]);
  await talk.leave();
});

test("Ctrl-C at the prompt drops what was begun and says how to leave", async () => {
  const talk = new Conversation();
  await talk.terminal.type("\u0003");
  await talk.terminal.type("half", "\u0003");
  await talk.say('"""begun');
  await talk.terminal.type("\u0003");
  await talk.say("whole");
  expect(talk.shown.filter((line) => line === "Use Ctrl + d or /bye to exit.")).toHaveLength(3);
  expect(chats()).toEqual([{ model: "m", messages: [{ role: "user", content: "whole" }] }]);
  await talk.leave();
});

test("/set changes what is asked and how it is shown", async () => {
  const talk = new Conversation();
  await talk.say(
    "/set system be  brief",
    "/set parameter temperature 0.5",
    "/set parameter stop a b",
    "/set format json",
    "/set think high",
    "hi",
    "/set noformat",
    "/set nothink",
    "/set quiet",
    "hi",
  );
  const options = { temperature: 0.5, stop: ["a", "b"] };
  expect(chats()[0]).toEqual({
    model: "m",
    options,
    format: "json",
    think: "high",
    messages: [
      { role: "system", content: "be  brief" },
      { role: "user", content: "hi" },
    ],
  });
  expect(chats()[1]).toMatchObject({ options, think: false });
  expect(chats()[1]).not.toHaveProperty("format");
  expect(talk.shown.filter((line) => /^(Set|Disabled)/.test(line))).toEqual([
    "Set system message.",
    "Set parameter 'temperature' to '0.5'",
    "Set parameter 'stop' to 'a, b'",
    "Set format to 'json' mode.",
    "Set 'think' mode to 'high'.",
    "Disabled format.",
    "Set 'nothink' mode.",
    "Set 'quiet' mode.",
  ]);
  expect(talk.cli.err.text).toBe('warning: model "m" does not support thinking output\n'.repeat(2));
  await talk.leave();
});

test("/set refuses what it does not know", async () => {
  const talk = new Conversation();
  await talk.say("/set foo", "/set parameter foo 1", "/set parameter top_k x", "/set format xml", "/set __proto__");
  expect(talk.shown.filter((line) => !line.startsWith(">>>"))).toEqual([
    "Unknown command '/set foo'. Type /? for help",
    `Couldn't set parameter: "unknown parameter 'foo'"`,
    `Couldn't set parameter: "invalid int value [x]"`,
    "Invalid or missing format. For 'json' mode use '/set format json'",
    "Unknown command '/set __proto__'. Type /? for help",
  ]);
  await talk.leave();
});

test("a system text of several lines goes up to its closing quotes", async () => {
  const talk = new Conversation();
  await talk.say('/set system """', "one", 'two"""', "hi", "/set system other", "/set system last", "hi");
  const systems = chats().map((body) =>
    (body as { messages: { role: string; content: string }[] }).messages.filter(({ role }) => role === "system"),
  );
  expect(systems.map((messages) => messages.map(({ content }) => content))).toEqual([
    ["one\ntwo"],
    ["one\ntwo", "last"],
  ]);
  await talk.leave();
});

test("/clear forgets the conversation but not the system text", async () => {
  const talk = new Conversation();
  await talk.say("/set system brief", "hi", "/clear", "hi");
  expect(talk.shown).toContain("Cleared session context");
  expect(chats()[1]).toEqual(chats()[0]);
  await talk.leave();
});

test("/load changes the model only if that can be loaded", async () => {
  const talk = new Conversation();
  await talk.say("/set parameter seed 1", "hi");
  server.on("/api/show", ({ body }) =>
    (body as { model: string }).model === "n"
      ? Response.json({ capabilities: ["completion", "thinking"] })
      : failure(404, "model 'x' not found"),
  );
  await talk.say("/load x", "hi", "/load n", "hi", "/load", "/load a b");
  expect(talk.shown.filter((line) => /model|Usage/.test(line))).toEqual([
    "Loading model 'x'",
    "Couldn't find model 'x'",
    "Loading model 'n'",
    "Usage:",
    "  /load <modelname>",
    "Usage:",
    "  /load <modelname>",
  ]);
  expect(chats().slice(1)).toEqual([
    expect.objectContaining({ model: "m", messages: expect.arrayContaining([{ role: "assistant", content: "fine" }]) }),
    { model: "n", think: true, options: { seed: 1 }, messages: [{ role: "user", content: "hi" }] },
  ]);
  await talk.leave();
});

test("/save makes a model of the model, the settings and what was said", async () => {
  server.on("/api/create", () => ndjson({ status: "success" }));
  const talk = new Conversation();
  await talk.say("/set system brief", "/set parameter seed 1", "hi", "/save kept", "/save a/b/c/d/e");
  expect(talk.shown.filter((line) => /model/.test(line))).toEqual([
    "Created new model 'kept'",
    "error: The model name 'a/b/c/d/e' is invalid",
  ]);
  expect(server.bodies("/api/create")).toEqual([
    {
      model: "kept",
      from: "m",
      system: "brief",
      parameters: { seed: 1 },
      messages: [
        { role: "system", content: "brief" },
        { role: "user", content: "hi" },
        { role: "assistant", content: "fine" },
      ],
    },
  ]);
  await talk.leave();
});

test("/show tells about the model and about this conversation", async () => {
  const talk = new Conversation();
  await talk.say(
    "/show license",
    "/show template",
    "/show system",
    "/set system brief",
    "/show system",
    "/show parameters",
  );
  await talk.say("/set parameter stop a b", "/show parameters", "/show info", "/show x");
  expect(talk.shown.filter((line) => line !== "" && !line.startsWith(">>>")).map((line) => line.trimEnd())).toEqual([
    "No license was specified for this model.",
    "No prompt template was specified for this model.",
    "No system message was specified for this model.",
    "Set system message.",
    "brief",
    "Model defined parameters:",
    "  No additional parameters were specified for this model.",
    "Set parameter 'stop' to 'a, b'",
    "Model defined parameters:",
    "  No additional parameters were specified for this model.",
    "User defined parameters:",
    "  stop                           [a b]",
    "  Model",
    "    quantization",
    "  Capabilities",
    "    completion",
    "Unknown command '/show x'. Type /? for help",
  ]);
  await talk.leave();
});

test("commands are known by how they begin, and unknown ones are told", async () => {
  server.on("/api/tags", () => Response.json({ models: [] }));
  const talk = new Conversation();
  await talk.say("/listx", "/foo bar", "/? shortcuts", "/help /set", "/?");
  expect((await talk.leave("/exitnow")).exit).toBe(0);
  expect(talk.shown.map((line) => line.trimEnd())).toContain("NAME    ID    SIZE    MODIFIED");
  expect(talk.shown).toContain("Unknown command '/foo'. Type /? for help");
  const { text } = talk.cli.err;
  for (const part of ["Ctrl + g ", "/set nohistory ", "/load <model> "]) expect(text).toContain(part);
  expect(text).not.toContain("/path/to/file");
});

test("what was entered is kept in a file, unless that is switched off", async () => {
  const talk = new Conversation();
  await talk.say("one", "/set nohistory", "two");
  await talk.leave();
  expect(readFileSync(join(home, ".ollama/history"), "utf8")).toBe("one\n/set nohistory\n");
});

test("/set verbose tells times and counts after each answer", async () => {
  server.on("/api/chat", () => ndjson({ ...said("fine", true), eval_count: 7 }));
  const talk = new Conversation();
  await talk.say("/set verbose", "hi");
  expect(talk.cli.err.text).toBe("eval count:           7 token(s)\n");
  await talk.leave();
});

test("in 40 columns nothing is cut", async () => {
  server.on("/api/chat", () => ndjson(said("The quick brown fox jumps over the lazy dog"), said("", true)));
  const talk = new Conversation([], 40);
  await talk.say("a message that is longer than forty columns are");
  expect(talk.shown).toEqual([
    ">>> a message that is longer than forty",
    "...  columns are",
    "The quick brown fox jumps over the",
    "lazy dog",
    "",
  ]);
  await talk.leave();
});

test("on a simple terminal no control sequence is written", async () => {
  const terminal = new TestEditorTerminal(80, 24);
  terminal.screen.canRedraw = false;
  const cli = new TestCli({ baseUrl: server.baseUrl, home, stdout: terminal.screen, editor: terminal });
  const running = cli.run("run", "m");
  await terminal.type('hi\n"""one\n', 'two"""\n', "no line break");
  await terminal.end();
  expect((await running).exit).toBe(0);
  const contents = chats().map((body) => (body as { messages: { content: string }[] }).messages.at(-1)?.content);
  expect(contents).toEqual(["hi", "one\ntwo", "no line break"]);
  expect(terminal.screen.raw).toStartWith(">>> ");
  expect(terminal.screen.raw).not.toContain("\u001b");
});
