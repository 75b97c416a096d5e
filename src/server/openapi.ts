// GET /openapi.json: the document of all routes, made at the first request from the schemas that check requests. No page, no
// network.

import type { toOpenAPISchema } from "@elysiajs/openapi";
import { Elysia } from "elysia";
import { VERSION } from "../version.ts";
import { jsonResponse } from "./errors.ts";
import { answers, type ResponseSchemas } from "./openapi-answers.ts";

type Routes = Parameters<typeof toOpenAPISchema>[0];
interface Operation {
  operationId?: string;
  parameters?: readonly object[];
  requestBody?: { content: object };
  responses?: object;
}
type Operations = Record<string, Record<string, Operation>>;

export function openApiRoutes(routes: () => Routes) {
  let document: Promise<unknown> | undefined;
  return new Elysia().get(
    "/openapi.json",
    async () => {
      document ??= describe(routes());
      return jsonResponse(await document);
    },
    { detail: { summary: "This document", tags: ["server"], hide: true } },
  );
}

async function describe(routes: Routes): Promise<unknown> {
  // Loaded when it is asked for: a server starts faster without it.
  const plugin = await import("@elysiajs/openapi");
  const described = plugin.toOpenAPISchema(routes).paths as Operations;
  const paths: Operations = {};
  for (const [path, operations] of Object.entries(described)) {
    paths[path.replace("*", "{model}")] = path.includes("*") ? withModelName(operations) : operations;
  }
  addBodies(paths, routes);
  addAnswers(paths, answers);
  const description = "Ollama's own API, OpenAI's and Anthropic's, and what goes beyond them";
  const text = JSON.stringify(
    { openapi: "3.1.0", info: { title: "Ollama", version: VERSION, description }, paths },
    // What decoding needs and readers of the document do not.
    (key, value: unknown) => (key === "goType" ? undefined : value),
  );
  return JSON.parse(text) as unknown;
}

/** What the plugin does not see: that the rest of the path, slashes and all, is a model's name. */
function withModelName(operations: Record<string, Operation>): Record<string, Operation> {
  const parameters = [{ name: "model", in: "path", required: true, schema: { type: "string" } }];
  const entries = Object.entries(operations).map(
    ([method, operation]) =>
      [
        method,
        { ...operation, operationId: operation.operationId?.replace("*", "ByModel") ?? method, parameters },
      ] as const,
  );
  return Object.fromEntries(entries);
}

/** The plugin leaves bodies out whose parser is a function. */
function addBodies(paths: Operations, routes: Routes): void {
  for (const { method, path, hooks } of routes.routes) {
    const schema: unknown = (hooks as { body?: unknown } | undefined)?.body;
    const operation = paths[path.replace(/:([^/]+)/g, "{$1}")]?.[method.toLowerCase()];
    if (schema === undefined || operation === undefined) continue;
    operation.requestBody = { ...operation.requestBody, content: { "application/json": { schema } } };
  }
}

function addAnswers(paths: Operations, schemas: ResponseSchemas): void {
  for (const [path, row] of Object.entries(schemas)) {
    for (const operation of Object.values(paths[path] ?? {})) {
      const content: Record<string, object> = { "application/json": { schema: row.answer } };
      if (row.stream !== undefined) content[row.stream.type] = { schema: row.stream.schema };
      operation.responses = {
        "200": { description: "The answer", content },
        default: { description: "An error", content: { "application/json": { schema: row.error } } },
      };
    }
  }
}
