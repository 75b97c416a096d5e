// Open WebUI talks to the executable: in every run the calls that its backend makes, in the form it makes them; in
// `npm run test:webui` the program itself, over its HTTP API and, where Chromium is installed, in its page.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { fetchSmallModel, smallModelName as small } from "../../scripts/small-model.mjs";
import { familyTemplates } from "../chat/go-template/family-templates.ts";
import { runProgram } from "../support/program.ts";
import type { TestServer } from "../support/server.ts";
import { chromium, Page } from "./browser.ts";
import { NativeClient, until } from "./native-client.ts";
import { type Completion, joined, OpenWebui } from "./open-webui.ts";
import { outsideUrl } from "./outside.ts";
import { smallModelServer } from "./small-model-server.ts";

const LIMIT_MS = 300_000;
const INSTALL_MS = 1_200_000;
/** The small model, made to call tools, brief and always the same. */
const model = "brief:latest";
const messages = [{ role: "user", content: "Say hello." }];
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      parameters: { type: "object", properties: { city: { enum: ["Oslo", "Rome"] } }, required: ["city"] },
    },
  },
];

let server: TestServer;
let native: NativeClient;

beforeAll(async () => {
  server = await smallModelServer({ OLLAMA_SHARE_REGISTRY: "1" }, "0.0.0.0");
  native = new NativeClient(server);
  const template = familyTemplates().find((each) => each.model === "library/qwen2.5:0.5b")?.template ?? "";
  await native.ask("/api/create", {
    model,
    from: small,
    template,
    parameters: { temperature: 0, num_predict: 24, num_ctx: 2048 },
  });
}, LIMIT_MS);
afterAll(() => server[Symbol.asyncDispose]());

/** The models that compute something just now. */
async function busy(): Promise<number> {
  const { models } = (await (await native.fetch("/api/ps")).json()) as { models: { active_requests: number }[] };
  return models.filter((each) => each.active_requests > 0).length;
}

test(
  "the backend's calls are answered: with nothing but a model's name, with an outdated field, with an empty prompt",
  async () => {
    const body = JSON.stringify({ model, prompt: "", keep_alive: 0 });
    const unload = await native.fetch("/api/generate", { method: "POST", body });
    expect(await unload.json()).toMatchObject({ model, done: true, done_reason: "unload" });
    const tags = (await (await native.fetch("/api/tags")).json()) as { models: { model: string; name: string }[] };
    expect(tags.models.map((each) => [each.model, each.name])).toContainEqual([model, model]);
    const { version } = (await (await native.fetch("/api/version")).json()) as { version: string };
    // It sorts its servers by these numbers and fails where they are none.
    expect(
      version
        .replace(/^v|-.*/g, "")
        .split(".")
        .map(Number),
    ).not.toContain(Number.NaN);
    await native.ask("/api/show", { name: small, model: small });
    await native.ask("/api/create", { model: "made", from: small, path: "", system: "Be brief." });
    const removed = await native.fetch("/api/delete", {
      method: "DELETE",
      body: JSON.stringify({ name: "made:latest", model: "made:latest" }),
    });
    expect([removed.status, await removed.text()]).toEqual([200, ""]);
    const chat = {
      model,
      messages,
      options: { temperature: 0 },
      tools: [],
      format: "",
      keep_alive: "5m",
      stream: true,
    };
    const lines = (await (await native.post("/api/chat", chat)).text()).trim().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ done: true, prompt_eval_count: expect.any(Number) });
  },
  LIMIT_MS,
);

describe.skipIf(process.env["OLLAMA_TEST_LONG"] !== "1")("Open WebUI itself", () => {
  let webui: OpenWebui;
  beforeAll(async () => {
    webui = await OpenWebui.start(server.baseUrl, small);
  }, INSTALL_MS);
  afterAll(() => webui[Symbol.asyncDispose]());

  const completion = (more: object) =>
    webui.json<Completion>("/api/chat/completions", { model, messages, stream: false, ...more });
  const modelNames = async () => {
    const { models } = await webui.json<{ models: { model: string }[] }>("/ollama/api/tags/0");
    return models.map((each) => each.model);
  };

  test(
    "lists models, versions and what is loaded",
    async () => {
      const { data } = await webui.json<{ data: { id: string; owned_by: string }[] }>("/api/models");
      expect(data.map((each) => [each.id, each.owned_by])).toContainEqual([model, "ollama"]);
      expect(await webui.json("/ollama/api/version")).toEqual({ version: expect.any(String) });
      expect(await webui.json("/ollama/verify", { url: server.baseUrl })).toEqual({ version: expect.any(String) });
      await completion({});
      const { models } = await webui.json<{ models: { model: string }[] }>("/ollama/api/ps");
      expect(models.map((each) => each.model)).toEqual([model]);
      expect(await webui.json("/ollama/api/show", { model })).toMatchObject({ details: { family: "llama" } });
    },
    LIMIT_MS,
  );

  test(
    "chats, whole and streamed, by every road it has",
    async () => {
      const whole = await completion({});
      const said = whole.choices[0]?.message.content ?? "";
      expect(said.length).toBeGreaterThan(0);
      expect(whole.usage.completion_tokens).toBeGreaterThan(0);
      const request = { model, messages, stream: true };
      expect(joined(await webui.text("/api/chat/completions", request))).toBe(said);
      expect(joined(await webui.text("/ollama/v1/chat/completions", request))).toBe(said);
      const lines = (await webui.text("/ollama/api/chat", request)).trim().split("\n");
      const chunks = lines.map((line) => JSON.parse(line) as { message: { content: string }; done: boolean });
      expect(chunks.map((each) => each.message.content).join("")).toBe(said);
      expect(chunks.at(-1)?.done).toBe(true);
      expect(await webui.lastLine("/ollama/api/generate", { model, prompt: "Say hello." })).toMatchObject({
        done: true,
      });
      expect(await webui.json("/ollama/v1/messages", { model, messages, max_tokens: 8 })).toMatchObject({
        type: "message",
        stop_reason: "max_tokens",
      });
      expect(
        await webui.json("/ollama/v1/responses", { model, input: "Say hello.", max_output_tokens: 8 }),
      ).toMatchObject({ object: "response", status: "incomplete" });
      const events = await webui.text("/ollama/v1/responses", {
        model,
        input: "Hi",
        stream: true,
        max_output_tokens: 8,
      });
      expect(events).toContain("event: response.incomplete\n");
    },
    LIMIT_MS,
  );

  test(
    "names a conversation, tags it and thinks of what could be asked next",
    async () => {
      for (const task of ["title", "tags", "follow_up", "emoji", "queries"]) {
        const body = { model, messages, prompt: "hello", type: "web_search" };
        const answer = await webui.json<Completion>(`/api/v1/tasks/${task}/completions`, body);
        expect([task, answer.choices[0]?.message.role]).toEqual([task, "assistant"]);
      }
    },
    LIMIT_MS,
  );

  test(
    "calls tools, and says why an image and tools for a model without them are refused",
    async () => {
      const call = { model, messages, tools, tool_choice: "required", stream: false, max_tokens: 60 };
      const forced = await webui.json<Completion>("/ollama/v1/chat/completions", call);
      const called = forced.choices[0]?.message.tool_calls?.[0]?.function;
      expect([called?.name, JSON.parse(called?.arguments ?? "")]).toEqual([
        "get_weather",
        { city: expect.stringMatching(/^(Oslo|Rome)$/) },
      ]);
      const history = [
        ...messages,
        { role: "assistant", content: "", tool_calls: forced.choices[0]?.message.tool_calls },
        { role: "tool", tool_call_id: forced.choices[0]?.message.tool_calls?.[0]?.id, content: "rain" },
      ];
      expect((await completion({ messages: history, tools })).choices).toHaveLength(1);
      const url = `data:image/png;base64,${Buffer.from([0x89, 0x50, 0x4e, 0x47]).toString("base64")}`;
      const picture = [
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "image_url", image_url: { url } },
          ],
        },
      ];
      expect(await webui.text("/api/chat/completions", { model, messages: picture, stream: true })).toBe(
        `400 {"detail":"\\"${model}\\" cannot be given images: this build runs text models only"}`,
      );
      expect(await webui.text("/api/chat/completions", { model: small, messages, tools, stream: true })).toBe(
        `400 {"detail":"registry.ollama.ai/library/${small} does not support tools"}`,
      );
    },
    LIMIT_MS,
  );

  test(
    "stops an answer in the middle, and the runner is free",
    async () => {
      const control = new AbortController();
      const endless = { ...(await endlessChat()), stream: true };
      const response = await webui.fetch("/api/chat/completions", endless, { signal: control.signal });
      const reader = response.body?.getReader();
      await reader?.read();
      expect(await busy()).toBe(1);
      control.abort();
      await until("the runner is free", async () => (await busy()) === 0);
      await webui.text("/ollama/api/delete/0", { model: "endless:latest" }, { method: "DELETE" });
    },
    LIMIT_MS,
  );

  test(
    "pulls, creates, copies, uploads, unloads and deletes",
    async () => {
      const shared = `127.0.0.1:${server.port}/library/${small}`;
      expect(await webui.lastLine("/ollama/api/pull", { model: shared })).toEqual({ status: "success" });
      expect(await webui.lastLine("/ollama/api/pull", { model: `127.0.0.1:${server.port}/library/nope` })).toEqual({
        error: "pull model manifest: file does not exist",
      });
      const made = { model: "pirate", from: small, system: "You are a pirate.", parameters: { temperature: 0 } };
      expect(await webui.lastLine("/ollama/api/create", made)).toEqual({ status: "success" });
      await webui.json("/api/models?refresh=true");
      expect(await webui.json("/ollama/api/copy", { source: "pirate:latest", destination: "corsair" })).toBe(true);
      const form = new FormData();
      form.append("file", Bun.file(fetchSmallModel()), "uploaded.gguf");
      expect(await webui.text("/ollama/models/upload", form)).toContain('"model_created":"uploaded"');
      await completion({});
      await webui.json("/ollama/api/unload", { model });
      await until("the model is unloaded", async () => (await native.running()).length === 0);
      expect(await modelNames()).toEqual(
        expect.arrayContaining([shared, "pirate:latest", "corsair:latest", "uploaded:latest"]),
      );
      for (const name of [shared, "pirate:latest", "corsair:latest", "uploaded:latest"])
        expect(await webui.text("/ollama/api/delete/0", { model: name }, { method: "DELETE" })).toBe("true");
      expect((await modelNames()).sort()).toEqual([model, small].sort());
    },
    LIMIT_MS,
  );

  test(
    "embeds a document and finds the place that answers a question",
    async () => {
      const embedded = await webui.json<{ embeddings: number[][] }>("/ollama/api/embed", {
        model: small,
        input: ["a", "b"],
      });
      expect(embedded.embeddings.map((each) => each.length)).toEqual([576, 576]);
      const form = new FormData();
      form.append("file", new File(["The lighthouse of Zorbia was built by Ada Quill in 1931."], "lighthouse.txt"));
      const { id } = await webui.json<{ id: string }>("/api/v1/files/", form);
      await until("the document is embedded", async () => {
        const { status } = await webui.json<{ status: string }>(`/api/v1/files/${id}/process/status?stream=false`);
        if (status === "failed") throw new Error("the document could not be embedded");
        return status === "completed";
      });
      const asked = await completion({
        messages: [{ role: "user", content: "Who built the lighthouse?" }],
        files: [{ type: "file", id }],
      });
      expect(asked.sources?.[0]?.document[0]).toContain("Ada Quill");
      // The found text stands in the prompt.
      expect(asked.usage.prompt_tokens).toBeGreaterThan(200);
    },
    LIMIT_MS,
  );

  test.skipIf(chromium() === undefined)(
    "shows an answer to what is typed into its page",
    async () => {
      await using page = await Page.open(chromium() ?? "", `${webui.baseUrl}/?models=${encodeURIComponent(model)}`);
      // What is new in this version stands before the page at the first visit.
      await page.click(`[...document.querySelectorAll("button")].find((each) => each.innerText.includes("Let's Go"))`);
      await page.click("document.querySelector('#chat-input')");
      await page.evaluate("document.querySelector('#chat-input').focus()");
      await page.type("Say hello.");
      await page.click("document.querySelector('#send-message-button:enabled')");
      // Its page asks with texts of its own around the question, so the answer is not the one asked for above.
      expect(await page.until("document.querySelector('.chat-assistant')?.innerText.trim()", 60_000)).toMatch(/\w/);
    },
    LIMIT_MS,
  );

  test(
    "as from a container it may ask but not manage, until it has a key for that",
    async () => {
      const url = outsideUrl(server);
      await webui.connect(url);
      expect((await completion({})).choices).toHaveLength(1);
      const copy = { source: model, destination: "other" };
      const refused = await webui.text("/ollama/api/copy", copy);
      expect(refused).toStartWith("403 ");
      expect(refused).toContain("ollama key create");
      const key = async (...flags: string[]) =>
        (await runProgram(["key", "create", ...flags], { env: server.env })).stdout.trim();
      const managing = await key("webui", "--scope", "infer,manage");
      await webui.json("/api/models?refresh=true");
      expect(await webui.text("/ollama/api/tags/0")).toStartWith("401 ");
      await webui.connect(url, managing);
      expect(await webui.text("/ollama/api/copy", copy)).toBe("true");
      expect(await modelNames()).toContain("other:latest");
      await webui.connectOpenAi(`${url}/v1`, await key("asks"));
      const viaOpenAi = { model: `v1.${model}`, messages };
      expect((await completion(viaOpenAi)).choices[0]?.message.role).toBe("assistant");
      expect(joined(await webui.text("/api/chat/completions", { ...viaOpenAi, stream: true })).length).toBeGreaterThan(
        0,
      );
      await webui.connectOpenAi(`${url}/v1`, "ollama_wrong");
      expect(await webui.text("/openai/models/0")).toContain("this API key is not known here");
    },
    LIMIT_MS,
  );

  /** A chat that does not end by itself within a test. */
  async function endlessChat(): Promise<object> {
    await native.ask("/api/create", { model: "endless", from: small, parameters: { num_predict: -1, num_ctx: 512 } });
    await webui.json("/api/models?refresh=true");
    const format = { type: "string", minLength: 20_000 };
    const response_format = { type: "json_schema", json_schema: { name: "long", schema: format } };
    return { model: "endless:latest", messages, response_format };
  }
});
