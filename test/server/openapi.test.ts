// The OpenAPI document: complete, self-contained and made of the schemas that check requests.

import { expect, test } from "bun:test";
import { ScriptedApp } from "./compat/scripted-app.ts";

interface Operation {
  readonly operationId?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly summary?: string;
  readonly requestBody?: { readonly content: Record<string, { readonly schema: { properties: object } }> };
  readonly responses?: Record<string, { readonly content: object }>;
}

async function document(): Promise<Record<string, Record<string, Operation>>> {
  await using app = new ScriptedApp();
  const response = await app.fetch("/openapi.json");
  const text = await response.text();
  expect(text).not.toContain("goType");
  expect(text).not.toContain("://");
  return (JSON.parse(text) as { paths: Record<string, Record<string, Operation>> }).paths;
}

test("every route is there with a summary, and every body with its fields", async () => {
  const paths = await document();
  for (const [path, operations] of Object.entries(paths)) {
    for (const operation of Object.values(operations))
      expect([path, operation.summary]).toEqual([path, expect.any(String)]);
  }
  const bodyOf = (path: string) => paths[path]?.["post"]?.requestBody?.content["application/json"]?.schema.properties;
  expect(bodyOf("/api/chat")).toHaveProperty("messages");
  expect(bodyOf("/v1/chat/completions")).toHaveProperty("max_completion_tokens");
  expect(bodyOf("/v1/responses")).toHaveProperty("previous_response_id");
  expect(bodyOf("/v1/messages")).toHaveProperty("stop_sequences");
});

test("every name in a path is a parameter, and every operation has an id of its own that generators can use", async () => {
  const ids: (string | undefined)[] = [];
  for (const [path, operations] of Object.entries(await document())) {
    const names = [...path.matchAll(/\{(.+?)\}/g)].map((match) => match[1] ?? "");
    for (const { operationId, parameters = [] } of Object.values(operations)) {
      ids.push(operationId);
      expect([path, parameters.filter((each) => each.in === "path" && each.required).map((each) => each.name)]).toEqual(
        [path, names],
      );
    }
  }
  expect(ids.filter((id) => !/^[\w-]+$/.test(id ?? ""))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
});

test("streams and errors are described beside the answers", async () => {
  const paths = await document();
  const chat = paths["/v1/chat/completions"]?.["post"]?.responses;
  expect(Object.keys(chat?.["200"]?.content ?? {})).toEqual(["application/json", "text/event-stream"]);
  expect(Object.keys(chat ?? {})).toEqual(["200", "default"]);
  expect(paths["/v1/models/{model}"]?.["get"]?.responses).toBeDefined();
});
