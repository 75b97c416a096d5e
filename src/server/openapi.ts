// GET /openapi.json: the document of all routes, made at the first request from the schemas that check requests. No page, no
// network.

import { Elysia } from "elysia";
import { VERSION } from "../version.ts";
import { jsonResponse } from "./errors.ts";

type Routes = Parameters<typeof import("@elysiajs/openapi").toOpenAPISchema>[0];

export function openApiRoutes(routes: () => Routes) {
  let document: Promise<unknown> | undefined;
  return new Elysia().get(
    "/openapi.json",
    async () => {
      document ??= describe(routes());
      return jsonResponse(await document);
    },
    { detail: { summary: "This document", tags: ["server"] } },
  );
}

async function describe(routes: Routes): Promise<unknown> {
  // Loaded when it is asked for: a server starts faster without it.
  const { toOpenAPISchema } = await import("@elysiajs/openapi");
  const { paths, components } = toOpenAPISchema(routes);
  return {
    openapi: "3.1.0",
    info: { title: "Ollama", version: VERSION, description: "The native API, OpenAI's and Anthropic's, and what goes beyond them" },
    paths,
    components,
  };
}
