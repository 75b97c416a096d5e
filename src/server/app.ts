// Composes the routes; every dependency is its one argument. Requests reach them by the one path that route-path.ts made of
// theirs; what leads nowhere is answered by route-table.ts.

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
import { readRoutePath } from "./route-path.ts";
import { type KnownRoute, notFound, redirect, RouteTable, servesHead } from "./route-table.ts";
import type { Services } from "./services.ts";

export interface App {
  /** `peer` is the address that the request came from. */
  fetch(request: Request, peer?: string): Promise<Response>;
}

/** Without a gate everything is open: for tests of what lies behind it. */
export function createApp(services: Services, policy: BrowserPolicy, gate?: Gate): App {
  // Without standardHostname a Host of up to three letters ("nas") would be read as the beginning of the path.
  const app = new Elysia({ normalize: false, strictPath: true, handler: { standardHostname: false } })
    .onError(({ error, code, request }) => {
      if (code === "NOT_FOUND") return refuse(request, table);
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
  const table = new RouteTable(app.routes);
  return {
    async fetch(arrived, peer) {
      const addressed = withAddress(arrived);
      if (addressed === undefined) return malformed("400 Bad Request: malformed Host header");
      const url = new URL(addressed.url);
      const place = readRoutePath(url.pathname);
      if (place.kind === "malformed") return malformed("400 Bad Request");
      const { path } = place;
      const request = path === url.pathname ? addressed : new Request(url.origin + path + url.search, addressed);
      const address = policy.isOwnHost(request) ? peer : undefined;
      notePeer(request, address);
      const row = place.kind === "clean" ? table.find(path) : undefined;
      const refused = policy.refuse(request);
      if (refused !== undefined) {
        // Any answer to a method that the path does not take says which it takes, as gin does; OPTIONS is always one.
        if (row?.methods.includes(request.method) === false) refused.headers.set("allow", row.methods.join(", "));
        return refused;
      }
      // What matches no row never reaches the router, so that nothing can be run which the gate did not know.
      const act = async () => {
        if (place.kind === "nowhere") return notFound();
        if (place.kind === "unclean") return redirect(request.method, 307, place.cleaned + url.search);
        return row === undefined ? refuse(request, table) : answer(app, request, table);
      };
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

/** In the words and with the type of Go's server, which answers what it cannot read before anybody else. */
function malformed(text: string): Response {
  const headers = { "content-type": "text/plain; charset=utf-8", connection: "close" };
  return new Response(text, { status: 400, headers });
}

/** A route that nobody thought about when access was decided must not be served. */
function checkNeeds(routes: readonly KnownRoute[]): void {
  const missing = routes.filter(({ method, path }) => needOf(method, path) === undefined);
  if (missing.length === 0) return;
  const names = missing.map(({ method, path }) => `${method} ${path}`);
  throw new AppError("internal", `route-needs.ts lacks ${names.join(", ")}`);
}

function refuse(request: Request, table: RouteTable): Response {
  const { pathname, search } = new URL(request.url);
  return table.refusal(request.method, pathname, search);
}

async function answer(
  app: { handle(request: Request): Response | Promise<Response> },
  request: Request,
  table: RouteTable,
): Promise<Response> {
  if (request.method !== "HEAD") return app.handle(request);
  const { pathname } = new URL(request.url);
  // Elysia answers HEAD wherever it answers GET; Ollama only where it says so.
  if (table.find(pathname)?.methods.includes("HEAD") !== true) return refuse(request, table);
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
