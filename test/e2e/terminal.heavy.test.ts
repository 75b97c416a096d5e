// The program in a real pseudo-terminal, 40 and 80 columns wide: what a person sees, and what is left of the terminal when
// something goes wrong.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { failure, ndjson, OpenStream, ScriptedServer } from "../support/scripted-server.ts";
import { freePort, startServer } from "../support/server.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";
import { hasTmux, Tmux } from "../support/tmux.ts";

const model = (name: string, size = 1.5e9) => ({ name, model: name, size, digest: "", modified_at: "", details: {} });
const said = (content: string) => ({
  model: "m",
  created_at: "t",
  done: false,
  response: content,
  message: { role: "assistant", content },
});
const end = { ...said(""), done: true, done_reason: "stop" };

let home: TempHome;
let server: ScriptedServer;

beforeEach(async () => {
  home = await tempHome();
  server = new ScriptedServer()
    .on("/api/tags", () => Response.json({ models: [model("smollm2:135m"), model("llama3.2:latest")] }))
    .on("/api/show", ({ body }) =>
      (body as { model: string }).model.startsWith("smolm")
        ? failure(404, "model 'smolm2' not found")
        : Response.json({ details: {}, capabilities: ["completion"] }),
    )
    .on("/api/pull", () => ndjson({ error: "pull model manifest: file does not exist" }))
    .on("/api/generate", () => ndjson(end));
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

function open(columns: number, host = server.baseUrl): Promise<Tmux> {
  return Tmux.open(home, { columns, env: { OLLAMA_HOST: host } });
}

describe.skipIf(!hasTmux).each([40, 80])("%d columns", (columns) => {
  test("the menu is drawn, moves, and leaves the terminal as it was", async () => {
    await using tmux = await open(columns);
    await tmux.run("ollama");
    const menu = await tmux.until("confirm");
    expect(menu.split("\n").slice(1)).toEqual([
      "│",
      "◆  What would you like to do?",
      "│  ● Chat (2 models are here)",
      "│  ○ Download a model",
      "│  ○ Check this machine",
      "│  ○ Show all commands",
      "│  ○ Leave",
      "│  ↑/↓ to navigate • Enter: confirm",
      "└",
    ]);
    await tmux.press("Down");
    await tmux.until("● Download a model");
    await tmux.press("C-c");
    await tmux.until((screen) => screen.endsWith("\n$"));
    expect(await tmux.exitCode()).toBe(0);
    expect(await tmux.isSane()).toBe(true);
  }, 60_000);

  test("a model that is chosen is chatted with, and the conversation works as ever", async () => {
    server.on("/api/chat", () => ndjson(said("hello "), said("there"), end));
    await using tmux = await open(columns);
    await tmux.run("ollama");
    await tmux.until("Leave");
    await tmux.press("Enter");
    await tmux.until("Chat with which model?");
    await tmux.press("Down", "Enter");
    await tmux.until(">>>");
    await tmux.run("hi");
    await tmux.until("hello there");
    expect(server.bodies("/api/chat")).toEqual([{ model: "llama3.2", messages: [{ role: "user", content: "hi" }] }]);
    await tmux.press("C-d");
    await tmux.until((screen) => screen.endsWith("\n$"));
    expect(await tmux.isSane()).toBe(true);
  }, 60_000);

  test("near names", async () => {
    await using tmux = await open(columns);
    await tmux.run("ollama run smolm2");
    const screen = await tmux.until("Did you mean");
    expect(screen.replaceAll("\n", "")).toContain("Error: pull model manifest: file does not exist");
    expect(screen).toContain("  ollama run smollm2:135m");
    expect(await tmux.exitCode()).toBe(1);
  }, 60_000);

  test("doctor keeps within the lines", async () => {
    await using tmux = await Tmux.open(home, {
      columns,
      rows: 60,
      env: { OLLAMA_HOST: `127.0.0.1:${await freePort()}` },
    });
    await tmux.run("clear; ollama doctor; echo END");
    const screen = await tmux.until(/^END$/m.test.bind(/^END$/m));
    const lines = screen.split("\n");
    const body = lines.slice(0, lines.indexOf("END"));
    expect(body.filter((line) => /^(?:ok|note|warning|problem) /.test(line)).length).toBeGreaterThan(7);
    // A line that had been broken by the terminal would begin anywhere.
    for (const line of body) expect(line).toMatch(/^(?:(?:ok|note|warning|problem) +\S| {10}\S|\$|Nothing is wrong|$)/);
  }, 90_000);

  test("a window that is resized while an answer comes loses none of it", async () => {
    const answer = new OpenStream();
    server.on("/api/generate", () => answer.response);
    await using tmux = await open(columns);
    await tmux.run("clear; ollama run m hi");
    answer.push(said("one two three four five six seven eight nine ten eleven twelve thirteen "));
    await tmux.until("twelve");
    await tmux.resize(columns - 12);
    answer.push(said("fourteen fifteen sixteen seventeen eighteen nineteen "));
    await tmux.until("eighteen");
    await tmux.resize(columns + 12);
    answer.push(said("twenty"));
    answer.push(end);
    answer.end();
    const screen = await tmux.until((text) => text.includes("twenty") && text.endsWith("\n$"));
    const words = screen.split(/\s+/).filter((word) => /^[a-z]+$/.test(word));
    for (const word of ["one", "seven", "twelve", "fourteen", "nineteen", "twenty"]) {
      expect([word, words.filter((each) => each === word).length]).toEqual([word, 1]);
    }
    expect(await tmux.isSane()).toBe(true);
  }, 60_000);

  test("a server that dies in the middle of an answer: one line, exit code 1, the terminal as it was", async () => {
    const answer = new OpenStream();
    server.on("/api/generate", () => answer.response);
    await using tmux = await open(columns);
    await tmux.run("clear; ollama run m hi");
    answer.push(said("half an ans"));
    await tmux.until("half an ans");
    answer.break();
    const screen = await tmux.until((text) => text.endsWith("\n$"));
    const told = screen
      .split("\n")
      .slice(screen.split("\n").indexOf("half an ans") + 1, -1)
      .join("");
    expect(told).toBe("Error: lost the connection to the ollama server");
    expect(await tmux.exitCode()).toBe(1);
    expect(await tmux.isSane()).toBe(true);
  }, 60_000);

  test("in a conversation, a server that dies leads back to the prompt", async () => {
    const answer = new OpenStream();
    server.on("/api/chat", () => answer.response);
    await using tmux = await open(columns);
    await tmux.run("ollama run m");
    await tmux.until(">>>");
    await tmux.run("hi");
    answer.push(said("half"));
    await tmux.until("half");
    answer.break();
    await tmux.until((screen) =>
      /error: lost the connection to the ollama *server>>>/.test(screen.replaceAll("\n", "")),
    );
    await tmux.run("/bye");
    await tmux.until((screen) => screen.endsWith("\n$"));
    expect(await tmux.isSane()).toBe(true);
  }, 60_000);
});

describe.skipIf(!hasTmux)("one width", () => {
  test("a terminal that is closed while an answer comes ends the program, and the server is told", async () => {
    const answer = new OpenStream();
    server.on("/api/generate", () => answer.response);
    await using tmux = await open(80);
    await tmux.run("ollama run m hi");
    answer.push(said("half an ans"));
    await tmux.until("half an ans");
    await tmux.close();
    await answer.left;
  }, 60_000);

  test("without a server the menu offers one, and a simple terminal gets the help", async () => {
    const host = `127.0.0.1:${await freePort()}`;
    await using tmux = await open(80, host);
    await tmux.run("ollama");
    expect(await tmux.until("Leave")).toContain("● Start the server");
    await tmux.press("C-c");
    await tmux.until((screen) => screen.endsWith("\n$"));
    await tmux.run("clear; TERM=dumb ollama | head -1; TERM=dumb ollama | grep -c Commands");
    await tmux.until("Large language model runner\n1");
  }, 60_000);

  test("bash completes the models of a real server, the colon included", async () => {
    await using real = await startServer();
    const modelfile = join(real.home.path, "Modelfile");
    await writeFile(join(real.home.path, "tiny.gguf"), tinyGguf("llama"));
    await writeFile(modelfile, "FROM ./tiny.gguf\n");
    await using tmux = await open(80, real.baseUrl);
    await tmux.run(`ollama create small:one -f ${modelfile} 2>/dev/null; ollama cp small:one other; echo MADE`);
    await tmux.until(/^MADE$/m.test.bind(/^MADE$/m));
    await tmux.run('eval "$(ollama completion bash)"; clear');
    await tmux.until((screen) => screen === "$");
    await tmux.type("ollama show --mod");
    await tmux.press("Tab");
    await tmux.until("--modelfile");
    await tmux.type("sm");
    await tmux.press("Tab");
    await tmux.until("small:one");
    await tmux.press("Enter");
    await tmux.until("FROM small:one");
  }, 90_000);
});
