// What is said about the server itself, and the routes that at Ollama lead to ollama.com: this server has no account and calls
// nobody, and says so in the words Ollama has for a switched-off cloud (docs/differences.md).

import { Elysia } from "elysia";
import { AppError } from "../../base/errors.ts";
import { VERSION } from "../../version.ts";
import { readText } from "../body.ts";
import { jsonResponse } from "../errors.ts";
import type { Gate } from "../gate.ts";
import { isLocalProgram } from "../peers.ts";
import { currentRequest } from "../request-context.ts";
import type { Services } from "../services.ts";

export function statusRoutes({ store }: Services, gate: Gate | undefined) {
  const refuse = (message: string) => (): never => {
    throw new AppError("forbidden", message);
  };
  const refuseQuestion =
    (message: string) =>
    async ({ request }: { request: Request }): Promise<never> => {
      const isBlank = (await readText(request)).trim() === "";
      throw isBlank ? new AppError("invalid", "missing request body") : new AppError("forbidden", message);
    };
  const signedOut = (): never => {
    throw new AppError("unauthorized", "you are not currently signed in");
  };
  const about = (summary: string) => ({ detail: { summary, tags: ["server"] } });
  return new Elysia()
    .get(
      "/",
      () => new Response("Ollama is running", { headers: { "content-type": "text/plain; charset=utf-8" } }),
      about("Is it running?"),
    )
    .get("/health", () => jsonResponse({ status: "ok" }), about("Is it ready?"))
    .get("/api/version", () => jsonResponse({ version: VERSION }), about("Version"))
    .get(
      "/api/status",
      () => jsonResponse({ cloud: { disabled: true, source: "none" }, ...access(gate) }),
      about("Cloud status"),
    )
    .get(
      "/api/store",
      ({ request }) => {
        if (!isLocalProgram(request)) throw new AppError("forbidden", "only programs on this machine are told");
        return jsonResponse({ models: store.directory });
      },
      about("Where the models are"),
    )
    .get("/api/experimental/model-recommendations", () => jsonResponse({ recommendations: [] }), about("None"))
    .post("/api/me", refuse("ollama cloud is disabled: account is unavailable"), {
      parse: "none",
      ...about("Refused: no account"),
    })
    .post("/api/signout", signedOut, { parse: "none", ...about("Refused: no account") })
    .delete("/api/user/keys/:key", signedOut, { parse: "none", ...about("Refused: no account") })
    .post("/api/experimental/web_search", refuseQuestion("ollama cloud is disabled: web search is unavailable"), {
      parse: "none",
      ...about("Refused: no cloud"),
    })
    .post("/api/experimental/web_fetch", refuseQuestion("ollama cloud is disabled: web fetch is unavailable"), {
      parse: "none",
      ...about("Refused: no cloud"),
    });
}

/** How open the server is, for those in charge of it. */
function access(gate: Gate | undefined) {
  return gate !== undefined && currentRequest()?.isInCharge === true ? { access: gate.describe() } : {};
}
