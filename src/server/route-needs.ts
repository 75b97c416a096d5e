// What a caller must be allowed for each route. Complete: the application refuses to start with a route that is not listed.

import type { Need } from "../access/decide.ts";

const NEEDS: Readonly<Record<string, Need>> = {
  "GET /health": "nothing",
  "GET /ready": "nothing",
  "GET /metrics": "metrics",
  "GET /": "entry",
  "GET /openapi.json": "entry",
  "GET /api/version": "entry",
  "GET /api/status": "entry",
  "GET /api/store": "entry",
  "GET /api/usage": "entry",
  "GET /api/tags": "entry",
  "GET /api/ps": "entry",
  "POST /api/show": "entry",
  "GET /v2/": "entry",
  "GET /v2/*": "entry",
  "GET /v1/models": "entry",
  "GET /v1/models/*": "entry",
  "GET /api/experimental/model-recommendations": "entry",
  "POST /api/me": "entry",
  "POST /api/signout": "entry",
  "DELETE /api/user/keys/:key": "entry",
  "POST /api/experimental/web_search": "entry",
  "POST /api/experimental/web_fetch": "entry",
  "POST /api/generate": "infer",
  "POST /api/chat": "infer",
  "POST /api/embed": "infer",
  "POST /api/embeddings": "infer",
  "POST /api/tokenize": "infer",
  "POST /api/detokenize": "infer",
  "POST /api/rerank": "infer",
  "POST /v1/rerank": "infer",
  "POST /v1/chat/completions": "infer",
  "POST /v1/completions": "infer",
  "POST /v1/embeddings": "infer",
  "POST /v1/audio/transcriptions": "infer",
  "POST /v1/audio/translations": "infer",
  "POST /v1/audio/speech": "infer",
  "POST /v1/responses": "infer",
  "GET /v1/responses/:id": "infer",
  "DELETE /v1/responses/:id": "infer",
  "POST /v1/messages": "infer",
  "POST /v1/messages/count_tokens": "infer",
  "POST /api/pull": "manage",
  "POST /api/push": "manage",
  "POST /api/create": "manage",
  "POST /api/copy": "manage",
  "DELETE /api/delete": "manage",
  "HEAD /api/blobs/:digest": "manage",
  "POST /api/blobs/:digest": "manage",
};

/** Work that goes on where it stopped when it is asked for again; a shutdown does not wait for it. */
const RESUMABLE = new Set(["POST /api/pull", "POST /api/push"]);

export function needOf(method: string, route: string): Need | undefined {
  return NEEDS[`${method} ${route}`] ?? (method === "HEAD" ? NEEDS[`GET ${route}`] : undefined);
}

export function isResumable(method: string, route: string): boolean {
  return RESUMABLE.has(`${method} ${route}`);
}
