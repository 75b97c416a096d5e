// First-run kindness: near names, models that fit, why a run is slow; at a terminal only.

import { expect, test } from "bun:test";
import { modelsThatFit } from "../../../src/cli/advice/fitting-models.ts";
import { knownModels } from "../../../src/cli/advice/known-models.ts";
import { nearNames } from "../../../src/cli/advice/near-names.ts";
import { type CliOptions, TestCli } from "../../support/cli.ts";
import { TestScreen } from "../../support/screen.ts";
import { failure, ndjson, ScriptedServer } from "../../support/scripted-server.ts";
import { tempHome } from "../../support/temp-home.ts";

const model = (name: string, size: number) => ({ name, model: name, size, digest: "", modified_at: "", details: {} });
const models = (...names: string[]) => Response.json({ models: names.map((name) => model(name, 1e9)) });

/** What stands on standard error, a terminal 200 columns wide. */
async function atTerminal(options: CliOptions, ...argv: string[]): Promise<string> {
  const stderr = new TestScreen(200);
  await new TestCli({ stdin: "", ...options, stderr }).run(...argv);
  return stderr.lines.join("\n");
}

test("a name that differs by a slip of the keyboard or by its tag is near, nearest first", () => {
  const names = ["llama3.2", "llama3.1", "qwen3:0.6b", "gemma3", "me/llama3.2"];
  expect(nearNames("lama3.2", names)).toEqual(["llama3.2", "llama3.1"]);
  expect(nearNames("llama3.2:3b", names)[0]).toBe("llama3.2");
  expect(nearNames("llama-3.2", names)[0]).toBe("llama3.2");
  expect(nearNames("QWEN3", names)).toEqual(["qwen3:0.6b"]);
  expect(nearNames("gemm", names)).toEqual(["gemma3"]);
  expect(nearNames("something-else", names)).toEqual([]);
  expect(nearNames("x", names)).toEqual([]);
});

test("the known models are sorted by size and have names of their own", () => {
  expect(knownModels.map(({ sizeBytes }) => sizeBytes)).toEqual(
    knownModels.map(({ sizeBytes }) => sizeBytes).toSorted((a, b) => a - b),
  );
  expect(new Set(knownModels.map(({ name }) => name)).size).toBe(knownModels.length);
  expect(modelsThatFit(knownModels, 0)).toEqual([]);
  expect(modelsThatFit(knownModels, Number.POSITIVE_INFINITY)[0]?.name).toBe(knownModels.at(-1)?.name ?? "");
});

function unknownModel(): ScriptedServer {
  return new ScriptedServer()
    .on("/api/show", () => failure(404, "model 'lama3.2' not found"))
    .on("/api/pull", () =>
      ndjson({ status: "pulling manifest" }, { error: "pull model manifest: file does not exist" }),
    )
    .on("/api/delete", () => failure(404, "model 'smolm2' not found"))
    .on("/api/tags", () => models("llama3.1:latest", "smollm2:135m"));
}

test("run of an unknown model names the near ones, here and in the library", async () => {
  await using server = unknownModel();
  const said = await atTerminal({ baseUrl: server.baseUrl }, "run", "lama3.2", "hi");
  expect(said).toEndWith(
    [
      "Error: pull model manifest: file does not exist",
      "",
      "Did you mean:",
      "  ollama run llama3.2  (to download)",
      "  ollama run llama3.2:1b  (to download)",
      "  ollama run llama3.1",
      "  ollama run llama3.3  (to download)",
    ].join("\n"),
  );
  const far = await atTerminal({ baseUrl: server.baseUrl }, "pull", "zzzz");
  expect(far).toContain("models are listed at https://ollama.com/library");
});

test("when the registry cannot be reached, near models that are here are named, and what to check", async () => {
  const error = 'pull model manifest: Get "https://r/v2/": dial tcp: lookup r: no such host';
  await using server = new ScriptedServer()
    .on("/api/pull", () => ndjson({ error }))
    .on("/api/tags", () => models("smollm2:135m"));
  const said = await atTerminal({ baseUrl: server.baseUrl }, "pull", "smolm2");
  expect(said).toContain("Did you mean:\n  ollama pull smollm2:135m\n\nThe registry cannot be reached: check ");
  const far = await atTerminal({ baseUrl: server.baseUrl }, "pull", "zzzz");
  expect(far).not.toContain("Did you mean");
  expect(far).toContain("'ollama list' shows the models that are here.");
});

test("a push that needs an account is answered with the way to another registry", async () => {
  await using server = new ScriptedServer().on("/api/me", () => failure(403, "ollama cloud is disabled: no account"));
  const said = await atTerminal({ baseUrl: server.baseUrl }, "push", "tiny");
  expect(said).toStartWith("Error: ollama cloud is disabled: no account\n\nThis server has no ollama.com account.");
  expect(said).toEndWith("  ollama cp MODEL HOST/NAMESPACE/MODEL");
});

test("rm names only models that are here, and the one that it failed at", async () => {
  await using server = unknownModel();
  const said = await atTerminal({ baseUrl: server.baseUrl }, "rm", "smolm2");
  expect(said).toBe("Error: model 'smolm2' not found\n\nDid you mean:\n  ollama rm smollm2:135m");
});

test("advice is for people: in a pipe the error is Ollama's, byte for byte", async () => {
  await using server = unknownModel();
  const cli = new TestCli({ baseUrl: server.baseUrl, stdin: "" });
  const { exit, stderr } = await cli.run("run", "lama3.2", "hi");
  expect([exit, stderr]).toEqual([1, "pulling manifest\nError: pull model manifest: file does not exist\n"]);
});

test("a model that is too large is answered with those that fit, here and elsewhere", async () => {
  const words = "model requires more system memory (9.1 GiB) than is available (1.9 GiB)";
  await using server = new ScriptedServer()
    .on("/api/show", () => Response.json({ details: {}, capabilities: ["completion"] }))
    .on("/api/generate", () => failure(500, words))
    .on("/api/tags", () => Response.json({ models: [model("big:latest", 9e9), model("small:latest", 1e9)] }));
  const said = await atTerminal({ baseUrl: server.baseUrl }, "run", "big", "hi");
  expect(said).toBe(
    [
      `Error: 500 Internal Server Error: ${words}`,
      "",
      "These should fit:",
      "  ollama run small  (1 GB)",
      "  ollama run qwen3:1.7b  (1.4 GB, to download)",
      "  ollama run llama3.2:1b  (1.3 GB, to download)",
      "  ollama run deepseek-r1:1.5b  (1.1 GB, to download)",
    ].join("\n"),
  );
});

test("other failures stay as they are, also when the server cannot be asked for its models", async () => {
  await using server = new ScriptedServer().on("/api/copy", () => failure(400, "no"));
  expect(await atTerminal({ baseUrl: server.baseUrl }, "cp", "a", "b")).toBe("Error: no");
  await using lost = new ScriptedServer().on("/api/show", () => failure(404, 'model "a" not found'));
  expect(await atTerminal({ baseUrl: lost.baseUrl }, "show", "a")).toStartWith('Error: model "a" not found\n');
});

function answering(eval_duration: number, size_vram: number): ScriptedServer {
  const running = { ...model("m:latest", 10), size_vram, expires_at: "", context_length: 1 };
  return new ScriptedServer()
    .on("/api/show", () => Response.json({ details: {}, capabilities: ["completion"] }))
    .on("/api/generate", () =>
      ndjson({ model: "m", created_at: "t", response: "yes", done: true, eval_count: 20, eval_duration }),
    )
    .on("/api/ps", () => Response.json({ models: [running] }));
}

test("why a run is slow is said once, on a terminal, and only of a model that no GPU holds", async () => {
  await using home = await tempHome();
  await using slow = answering(10e9, 0);
  const options = { baseUrl: slow.baseUrl, home: home.path };
  const piped = await new TestCli({ ...options, stdin: "" }).run("run", "m", "hi");
  expect(piped).toEqual({ exit: 0, stdout: "yes\n\n", stderr: "" });
  const first = await atTerminal(options, "run", "m", "hi");
  expect(first).toStartWith("This model runs on the processor alone, at 2.0 tokens a second");
  expect(first.replaceAll("\n", "")).toContain("'ollama doctor'");
  expect(await atTerminal(options, "run", "m", "hi")).toBe("");
});

test("a fast model, and one on a GPU, are not commented on", async () => {
  await using home = await tempHome();
  await using fast = answering(1e9, 0);
  await using onGpu = answering(10e9, 5);
  for (const { baseUrl } of [fast, onGpu]) {
    expect(await atTerminal({ baseUrl, home: home.path }, "run", "m", "hi")).toBe("");
  }
});
