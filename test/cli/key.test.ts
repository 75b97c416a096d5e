// `ollama key` and `ollama usage`, without a server and with one that does not know them.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { runCli } from "../support/cli.ts";
import { failure, ScriptedServer } from "../support/scripted-server.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
});
afterEach(() => home[Symbol.asyncDispose]());

const ollama = (...argv: readonly string[]) =>
  runCli({ baseUrl: "http://127.0.0.1:9", home: home.path, stdin: "" }, ...argv);

test("create prints the key alone on standard output, and what it means beside it", async () => {
  const { exit, stdout, stderr } = await ollama(
    "key",
    "create",
    "ci",
    "--scope",
    "infer,manage",
    "--limit",
    "2",
    "--budget",
    "1000",
  );
  expect([exit, stdout]).toEqual([0, expect.stringMatching(/^ollama_[0-9a-f]{8}_[\w-]{43}\n$/)]);
  expect(stderr).toContain('Key "ci" may do: infer, manage. It is shown this once');
  expect(stderr).toContain("From now on every request needs a key");
  expect((await ollama("key", "create")).stderr).not.toContain("From now on");
  const { stdout: table } = await ollama("key", "list");
  expect(table).toMatch(/^NAME +ID +SCOPES +LIMIT +BUDGET +CREATED +\nci +[0-9a-f]{8} +infer,manage +2 +1000 /);
});

test("revoke takes names and ids, says so, and says what the last one means", async () => {
  await ollama("key", "create", "a");
  const id = /^a +([0-9a-f]{8})/m.exec((await ollama("key", "list")).stdout)?.[1] ?? "";
  await ollama("key", "create", "b");
  expect(await ollama("key", "revoke", id)).toEqual({ exit: 0, stdout: `revoked 'a' (${id})\n`, stderr: "" });
  expect((await ollama("key", "revoke", "b", "c")).stderr).toBe('Error: there is no key "c"\n');
  await ollama("key", "create", "d");
  expect((await ollama("key", "revoke", "d")).stderr).toContain("No keys are left.");
});

test.each<[string[], string]>([
  [["key"], "requires at least 1 arg(s), only received 0"],
  [["key", "make"], 'unknown action "make": use key create, key list or key revoke'],
  [["key", "create", "a", "b"], "key create takes one name, received 2"],
  [["key", "create", "a b"], 'key name "a b": use letters'],
  [["key", "create", "--scope", "root"], 'unknown scope "root"'],
  [["key", "create", "--scope", ""], "a key needs a scope"],
  [["key", "create", "--budget", "-5"], "budget must be a whole number, 0 for none"],
  [["key", "list", "x"], "key list takes no names and no flags"],
  [["key", "revoke"], "key revoke needs the name or id of a key"],
  [["key", "revoke", "x", "--limit", "1"], "key revoke takes no flags"],
  [["key", "revoke", "../owner"], 'there is no key "../owner"'],
])("%p is refused", async (argv, message) => {
  const { exit, stdout, stderr } = await ollama(...argv);
  expect([exit, stdout]).toEqual([1, ""]);
  expect(stderr).toContain(`Error: ${message}`);
});

test("usage shows what the server counted", async () => {
  await using server = new ScriptedServer();
  const today = { requests: 2, prompt_tokens: 30, generated_tokens: 12 };
  const accounts = [
    { id: "0123abcd", name: "alice", budget: 100, limit: 0, today, month: { ...today, requests: 9 } },
    { id: "local", name: "local", budget: 0, limit: 0, today, month: today },
  ];
  server.on("/api/usage", () => Response.json({ day: "2026-01-01", key: "", accounts }));
  const { stdout } = await runCli({ baseUrl: server.baseUrl }, "usage");
  expect(stdout.split("\n").map((line) => line.trim().split(/ {2,}/))).toEqual([
    ["NAME", "ID", "REQUESTS", "TOKENS TODAY", "BUDGET", "LEFT", "REQUESTS 31D", "TOKENS 31D"],
    ["alice", "0123abcd", "2", "42", "100", "58", "9", "42"],
    ["local", "-", "2", "42", "-", "-", "2", "42"],
    [""],
  ]);
});

test("a server that asks for a key says so, whatever the command", async () => {
  await using server = new ScriptedServer();
  server.on("/", () => new Response(null, { status: 401 }));
  const { exit, stderr } = await runCli({ baseUrl: server.baseUrl }, "list");
  expect([exit, stderr]).toEqual([1, expect.stringContaining("set OLLAMA_API_KEY")]);
  server.on("/", () => new Response()).on("/api/tags", () => failure(403, "the API key may not"));
  expect((await runCli({ baseUrl: server.baseUrl }, "list")).stderr).toBe("Error: the API key may not\n");
});
