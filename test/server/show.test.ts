// What show, create and copy make of models, where a plain reading of the store would say something else than Ollama does.

import { expect, test } from "bun:test";
import type { ShowResponse } from "../../src/api/schema/models.ts";
import { create } from "../models/temp-store.ts";
import { errorOf, testApp, type TestApp } from "./test-app.ts";

async function shown(app: TestApp, body: unknown, headers: Record<string, string> = {}): Promise<ShowResponse> {
  const response = await app.fetch("/api/show", { method: "POST", body: JSON.stringify(body), headers });
  expect(response.status).toBe(200);
  return (await response.json()) as ShowResponse;
}

test("numbers of 32 bits are as short as they can be", async () => {
  await using app = await testApp();
  await app.addModel("m", "llama");
  const { model_info } = await shown(app, { model: "m" });
  expect(model_info["llama.attention.layer_norm_rms_epsilon"]).toBe(0.00001);
});

test("a name may have blanks around it and :local behind it; a cloud model's details are not here", async () => {
  await using app = await testApp();
  await app.addModel("m:t", "llama");
  for (const model of [" m:t", "m:t ", "m:t:local", "M:T:LOCAL "]) {
    expect((await shown(app, { model })).modelfile).toContain("# FROM m:t\n");
  }
  const refused = [403, "ollama cloud is disabled: remote model details are unavailable"] as const;
  for (const model of ["m:t:cloud", "m:t-cloud", "m:cloud"]) {
    expect(await errorOf(await app.post("/api/show", { model }))).toEqual([...refused]);
  }
  expect(await errorOf(await app.post("/api/generate", { model: "m:t-cloud" }))).toEqual([
    403,
    "ollama cloud is disabled: remote model is unavailable",
  ]);
});

test("Copilot Chat is told the name that was asked for", async () => {
  await using app = await testApp();
  await app.addModel("m", "llama");
  const agent = { "user-agent": "GitHubCopilotChat/0.1" };
  expect((await shown(app, { model: "M" }, agent)).model_info["general.basename"]).toBe("M");
  expect((await shown(app, { model: "M" })).model_info["general.basename"]).not.toBe("M");
});

test("renderer and parser stand in the Modelfile only, empty lists nowhere, and roles are of small letters", async () => {
  await using app = await testApp();
  await app.addModel("base", "llama");
  const messages = [{ role: "USER", content: "Hi" }];
  await create(app.store, { model: "m", from: "base", renderer: "qwen3-coder", parser: "qwen3-coder", messages });
  await create(app.store, { model: "m", from: "m", parameters: { stop: [] }, license: [""] });
  const answer = await shown(app, { model: "m" });
  expect(answer.modelfile).toContain("RENDERER qwen3-coder\nPARSER qwen3-coder\n");
  expect(answer.messages).toEqual([{ role: "user", content: "Hi" }]);
  for (const name of ["renderer", "parser", "parameters", "license"]) expect(Object.keys(answer)).not.toContain(name);
});

test("create takes a base by any form of its name, and quantizes a draft only where there is one", async () => {
  await using app = await testApp();
  await app.addModel("base", "llama");
  const make = (body: object) => app.post("/api/create", { model: "m", stream: false, ...body });
  for (const from of [" base", "base:local", "base:latest:LOCAL"]) expect((await make({ from })).status).toBe(200);
  expect((await shown(app, { model: "m" })).details.parent_model).toBe("base:latest");
  expect(await errorOf(await make({ from: "base", draft_quantize: "q8_0" }))).toEqual([
    400,
    "--draft-quantize requires a DRAFT model",
  ]);
  expect(await errorOf(await make({ from: "base:cloud" }))).toEqual([
    403,
    "ollama cloud is disabled: remote model is unavailable",
  ]);
});

test("a model that is copied onto itself stays as old as it was", async () => {
  await using app = await testApp();
  await app.addModel("m", "llama");
  const { modified_at } = await shown(app, { model: "m" });
  const copied = await app.post("/api/copy", { source: "m", destination: "M:latest" });
  expect([copied.status, await copied.text()]).toEqual([200, ""]);
  expect((await shown(app, { model: "m" })).modified_at).toBe(modified_at);
});
