// GET /v1/models and /v1/models/:model (spec 3.02). A name with slashes in it may be sent as it is or escaped.

import { Elysia } from "elysia";
import type { OpenAIModel } from "../../../api/openai/models.ts";
import { AppError } from "../../../base/errors.ts";
import { ModelName } from "../../../models/name.ts";
import type { StoredModel } from "../../../models/store.ts";
import { jsonResponse } from "../../errors.ts";
import type { Services } from "../../services.ts";
import { answering, PLAIN_JSON } from "./errors.ts";

export function openAIModelRoutes({ store }: Services) {
  const list = async () => {
    const data = (await store.list()).map((stored) => wireModel(stored.name.display, stored));
    return jsonResponse({ object: "list", data }, 200, { "content-type": PLAIN_JSON });
  };
  const one = async (sent: string) => {
    const name = ModelName.parse(sent);
    const stored = await store.find(name);
    if (stored === undefined) throw new AppError("not-found", `model '${name.display}' not found`);
    return jsonResponse(wireModel(sent, stored), 200, { "content-type": PLAIN_JSON });
  };
  return new Elysia()
    .get("/v1/models", () => answering(list), { detail: { summary: "List models", tags: ["openai"] } })
    .get("/v1/models/*", ({ params }) => answering(() => one(unescaped(params["*"]))), {
      detail: { summary: "Show a model", tags: ["openai"] },
    });
}

/** The router decodes named parameters, the rest of a path it leaves as it was sent. */
function unescaped(sent: string): string {
  try {
    return decodeURIComponent(sent);
  } catch {
    return sent;
  }
}

function wireModel(id: string, stored: StoredModel): OpenAIModel {
  const created = Number(stored.modifiedNs / 1_000_000_000n);
  return { id, object: "model", created, owned_by: stored.name.namespace };
}
