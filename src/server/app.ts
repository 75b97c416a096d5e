// Composes the routes; every dependency is its one argument. Also what a router owes: 404, 405 with Allow, redirects for a
// trailing slash, HEAD for every GET that Ollama answers it for (spec 2.01, 2.02).

import { Elysia } from "elysia";
import { AppError } from "../base/errors.ts";
import { VERSION } from "../version.ts";
import { errorResponse, jsonResponse } from "./errors.ts";
import type { BrowserPolicy } from "./hosts.ts";
import { blobRoutes } from "./routes/blobs.ts";
import { chatRoutes } from "./routes/chat.ts";
import { generateRoutes } from "./routes/generate.ts";
import { modelRoutes } from "./routes/models.ts";
import type { Services } from "./services.ts";

export interface App {
  fetch(request: Request): Promise<Response>;
}

const HEAD_PATHS = new Set(["/", "/api/version", "/api/tags"]);

export function createApp(services: Services, policy: BrowserPolicy): App {
  const app = new Elysia({ normalize: false })
    .onError(({ error, code, request }) => {
      if (code === "NOT_FOUND") return notFound(request, methodsByPath);
      return errorResponse(innerError(error));
    })
    .get("/", () => new Response("Ollama is running", { headers: { "content-type": "text/plain; charset=utf-8" } }))
    .get("/api/version", () => jsonResponse({ version: VERSION }))
    .get("/api/status", () => jsonResponse({ cloud: { disabled: true, source: "none" } }))
    .use(generateRoutes(services))
    .use(chatRoutes(services))
    .use(modelRoutes(services))
    .use(blobRoutes(services));
  const methodsByPath = routeTable(app.routes);
  return {
    async fetch(request) {
      const refused = policy.refuse(request);
      if (refused !== undefined) return refused;
      const response = await answer(app, request);
      return policy.decorate(request, response);
    },
  };
}

async function answer(
  app: { handle(request: Request): Response | Promise<Response> },
  request: Request,
): Promise<Response> {
  const asksHead = request.method === "HEAD" && HEAD_PATHS.has(new URL(request.url).pathname);
  if (!asksHead) return app.handle(request);
  const response = await app.handle(new Request(request.url, { headers: request.headers }));
  return new Response(null, { status: response.status, headers: response.headers });
}

/** Elysia wraps what a parser throws. */
function innerError(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof AppError) return cause;
  return error;
}

interface RouteRow {
  readonly pattern: RegExp;
  readonly methods: string[];
}

function routeTable(routes: readonly { readonly method: string; readonly path: string }[]): RouteRow[] {
  const rows = new Map<string, RouteRow>();
  for (const { method, path } of routes) {
    const row = rows.get(path) ?? { pattern: new RegExp(`^${path.replace(/:[^/]+/g, "[^/]+")}$`), methods: [] };
    row.methods.push(method);
    if (method === "GET" && HEAD_PATHS.has(path)) row.methods.unshift("HEAD");
    rows.set(path, row);
  }
  return [...rows.values()];
}

function notFound(request: Request, table: readonly RouteRow[]): Response {
  const url = new URL(request.url);
  const row = table.find(({ pattern }) => pattern.test(url.pathname));
  if (row !== undefined) {
    const headers = { "content-type": "text/plain", allow: row.methods.join(", ") };
    return new Response("405 method not allowed", { status: 405, headers });
  }
  const other = url.pathname.endsWith("/") ? url.pathname.slice(0, -1) : `${url.pathname}/`;
  if (other !== "" && table.some(({ pattern }) => pattern.test(other))) {
    return new Response(null, {
      status: request.method === "GET" ? 301 : 307,
      headers: { location: other + url.search },
    });
  }
  return new Response("404 page not found", { status: 404, headers: { "content-type": "text/plain" } });
}
