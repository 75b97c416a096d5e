// Composes the routes; every dependency is its one argument. Also what a router owes: 404, 405 with Allow, redirects for a
// trailing slash, HEAD for every GET that Ollama answers it for (spec 2.01, 2.02).

import { Elysia } from "elysia";
import { AppError } from "../base/errors.ts";
import { anthropicRoutes } from "./compat/anthropic/routes.ts";
import { openAIAudioRoutes } from "./compat/openai/audio-routes.ts";
import { openAIChatRoutes } from "./compat/openai/chat-routes.ts";
import { openAICompletionRoutes } from "./compat/openai/completion-routes.ts";
import { openAIEmbeddingRoutes } from "./compat/openai/embedding-routes.ts";
import { openAIModelRoutes } from "./compat/openai/model-routes.ts";
import { openAIResponseRoutes } from "./compat/openai/response-routes.ts";
import { errorInDialect } from "./dialects.ts";
import type { Gate } from "./gate.ts";
import type { BrowserPolicy } from "./hosts.ts";
import { openApiRoutes } from "./openapi.ts";
import { needOf } from "./route-needs.ts";
import { accessRoutes } from "./routes/access.ts";
import { notePeer } from "./peers.ts";
import { blobRoutes } from "./routes/blobs.ts";
import { chatRoutes } from "./routes/chat.ts";
import { embedRoutes } from "./routes/embed.ts";
import { generateRoutes } from "./routes/generate.ts";
import { modelRoutes } from "./routes/models.ts";
import { registryRoutes } from "./routes/registry.ts";
import { rerankRoutes } from "./routes/rerank.ts";
import { statusRoutes } from "./routes/status.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { transferRoutes } from "./routes/transfer.ts";
import { currentRequest, reasonOf } from "./request-context.ts";
import type { Services } from "./services.ts";

export interface App {
  /** `peer` is the address that the request came from. */
  fetch(request: Request, peer?: string): Promise<Response>;
}

const HEAD_PATHS = new Set(["/", "/api/version", "/api/tags"]);

function servesHead(path: string): boolean {
  return HEAD_PATHS.has(path) || path.startsWith("/v2/");
}

/** Without a gate everything is open: for tests of what lies behind it. */
export function createApp(services: Services, policy: BrowserPolicy, gate?: Gate): App {
  // Without standardHostname a Host of up to three letters ("nas") would be read as the beginning of the path.
  const app = new Elysia({ normalize: false, strictPath: true, handler: { standardHostname: false } })
    .onError(({ error, code, request }) => {
      if (code === "NOT_FOUND") return notFound(request, methodsByPath);
      return errorInDialect(new URL(request.url).pathname, reasonOf(currentRequest(), innerError(error)));
    })
    .use(statusRoutes(services, gate))
    .use(generateRoutes(services))
    .use(chatRoutes(services))
    .use(modelRoutes(services))
    .use(blobRoutes(services))
    .use(transferRoutes(services))
    .use(embedRoutes(services))
    .use(tokenRoutes(services))
    .use(rerankRoutes(services))
    .use(registryRoutes(services))
    .use(openAIChatRoutes(services))
    .use(openAICompletionRoutes(services))
    .use(openAIEmbeddingRoutes(services))
    .use(openAIModelRoutes(services))
    .use(openAIAudioRoutes())
    .use(openAIResponseRoutes(services))
    .use(anthropicRoutes(services));
  if (gate !== undefined) app.use(accessRoutes(gate));
  app.use(openApiRoutes(() => app));
  checkNeeds(app.routes);
  const methodsByPath = routeTable(app.routes);
  return {
    async fetch(arrived, peer) {
      const request = withAddress(arrived);
      if (request === undefined) return new Response("400 Bad Request: malformed Host header", { status: 400 });
      const address = policy.isOwnHost(request) ? peer : undefined;
      notePeer(request, address);
      const refused = policy.refuse(request);
      if (refused !== undefined) return withAllow(request, refused, methodsByPath);
      const path = new URL(request.url).pathname;
      const row = methodsByPath.find(({ pattern }) => pattern.test(path));
      // What matches no row never reaches the router, so that nothing can be run which the gate did not know.
      const act = async () =>
        row === undefined ? notFound(request, methodsByPath) : answer(app, request, methodsByPath);
      const response = await (gate === undefined
        ? act()
        : gate.pass({ request, path, route: row?.path, address }, act));
      return policy.decorate(request, response);
    },
  };
}

/** Bun gives no whole address where no Host was sent, as health checks in HTTP/1.0 do. Undefined: the Host names nothing. */
function withAddress(request: Request): Request | undefined {
  if (URL.canParse(request.url)) return request;
  const address = `http://localhost${request.url}`;
  const isNamed = (request.headers.get("host") ?? "") !== "";
  return isNamed || !URL.canParse(address) ? undefined : new Request(address, request);
}

/** A route that nobody thought about when access was decided must not be served. */
function checkNeeds(routes: readonly { readonly method: string; readonly path: string }[]): void {
  const missing = routes.filter(({ method, path }) => needOf(method, path) === undefined);
  if (missing.length === 0) return;
  const names = missing.map(({ method, path }) => `${method} ${path}`);
  throw new AppError("internal", `route-needs.ts lacks ${names.join(", ")}`);
}

async function answer(
  app: { handle(request: Request): Response | Promise<Response> },
  request: Request,
  table: readonly RouteRow[],
): Promise<Response> {
  if (request.method !== "HEAD") return app.handle(request);
  const { pathname } = new URL(request.url);
  // Elysia answers HEAD wherever it answers GET; Ollama only where it says so.
  if (table.some(({ pattern, methods }) => pattern.test(pathname) && !methods.includes("HEAD"))) {
    return notFound(request, table);
  }
  if (!servesHead(pathname)) return app.handle(request);
  const response = await app.handle(new Request(request.url, { headers: request.headers }));
  const { status, headers } = response;
  // Files bring their length along; without one the runtime would say 0.
  if (!headers.has("content-length")) headers.set("content-length", String((await response.arrayBuffer()).byteLength));
  return new Response(null, { status, headers });
}

/** Elysia wraps what a parser throws. */
function innerError(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof AppError) return cause;
  return error;
}

interface RouteRow {
  readonly path: string;
  readonly pattern: RegExp;
  readonly methods: string[];
}

function routeTable(routes: readonly { readonly method: string; readonly path: string }[]): RouteRow[] {
  const rows = new Map<string, RouteRow>();
  for (const { method, path } of routes) {
    const row = rows.get(path) ?? {
      path,
      pattern: new RegExp(`^${path.replace(/:[^/]+/g, "[^/]+").replace("*", ".+")}$`),
      methods: [],
    };
    row.methods.push(method);
    if (method === "GET" && servesHead(path)) row.methods.unshift("HEAD");
    rows.set(path, row);
  }
  return [...rows.values()];
}

/** Any answer to OPTIONS says what the path takes, as gin does. */
function withAllow(request: Request, response: Response, table: readonly RouteRow[]): Response {
  if (request.method !== "OPTIONS") return response;
  const row = table.find(({ pattern }) => pattern.test(new URL(request.url).pathname));
  if (row !== undefined) response.headers.set("allow", row.methods.join(", "));
  return response;
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
