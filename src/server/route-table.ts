// Which methods each path takes, and what a router owes to requests that lead nowhere: 404, 405 with Allow, the way without
// or with a trailing slash where the method is taken there (gin; spec 2.01, 2.02).

import { escapeHtml } from "../formats/gotemplate/escape.ts";

export interface RouteRow {
  readonly path: string;
  readonly pattern: RegExp;
  readonly methods: readonly string[];
}

export interface KnownRoute {
  readonly method: string;
  readonly path: string;
}

const HEAD_PATHS = new Set(["/", "/api/version", "/api/tags"]);

/** Whether a GET of this path is answered for HEAD as well. */
export function servesHead(path: string): boolean {
  return HEAD_PATHS.has(path) || path.startsWith("/v2/");
}

export class RouteTable {
  readonly #rows: readonly RouteRow[];

  constructor(routes: readonly KnownRoute[]) {
    const methods = Map.groupBy(routes, ({ path }) => path);
    this.#rows = [...methods].map(([path, known]) => ({
      path,
      pattern: new RegExp(`^${path.replace(/:[^/]+/g, "[^/]+").replace("*", ".+")}$`),
      methods: known.flatMap(({ method }) => (method === "GET" && servesHead(path) ? ["HEAD", method] : [method])),
    }));
  }

  find(path: string): RouteRow | undefined {
    return this.#rows.find(({ pattern }) => pattern.test(path));
  }

  /** For what no route answers. */
  refusal(method: string, path: string, search: string): Response {
    const other = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
    if (this.find(other)?.methods.includes(method) === true) {
      return redirect(method, method === "GET" ? 301 : 307, other + search);
    }
    const row = this.find(path);
    if (row === undefined) return notFound();
    return plainText(405, "405 method not allowed", { allow: row.methods.join(", ") });
  }
}

const REASON = { 301: "Moved Permanently", 307: "Temporary Redirect" } as const;

/** With Go's small page for those who ask with GET. */
export function redirect(method: string, status: keyof typeof REASON, location: string): Response {
  if (method !== "GET" && method !== "HEAD") return new Response(null, { status, headers: { location } });
  const page = method === "GET" ? `<a href="${escapeHtml(location)}">${REASON[status]}</a>.\n\n` : null;
  return new Response(page, { status, headers: { "content-type": "text/html; charset=utf-8", location } });
}

export function notFound(): Response {
  return plainText(404, "404 page not found");
}

function plainText(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(text, { status, headers: { "content-type": "text/plain", ...headers } });
}
