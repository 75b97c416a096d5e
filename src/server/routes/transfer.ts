// POST /api/pull and /api/push (spec 2.62, 2.63).

import { Elysia } from "elysia";
import { type ProgressResponse, PullRequest, PushRequest } from "../../api/schema/models.ts";
import { AppError } from "../../base/errors.ts";
import { jsonBody } from "../body.ts";
import { storedName } from "../model-reference.ts";
import type { Services } from "../services.ts";
import { ndjsonResponse } from "../stream.ts";
import { lastProgress } from "./models.ts";
import { endOf } from "../request-context.ts";

export function transferRoutes(services: Services) {
  return new Elysia()
    .post("/api/pull", ({ body, request }) => pull(services, body, endOf(request)), {
      parse: jsonBody(PullRequest),
      body: PullRequest,
      detail: { summary: "Pull a model", tags: ["models"] },
    })
    .post("/api/push", ({ body, request }) => push(services, body, endOf(request)), {
      parse: jsonBody(PushRequest),
      body: PushRequest,
      detail: { summary: "Push a model", tags: ["models"] },
    });
}

async function pull({ registry }: Services, request: PullRequest, signal: AbortSignal): Promise<Response> {
  const target = registry.parseTarget(storedName(request.model || request.name || ""));
  return answer(registry.pull(target, request.insecure ?? false, signal), request.stream);
}

async function push({ registry }: Services, request: PushRequest, signal: AbortSignal): Promise<Response> {
  const name = request.model || request.name || "";
  if (name === "") throw new AppError("invalid", "model is required");
  return answer(registry.push(name, request.insecure ?? false, signal), request.stream);
}

function answer(progress: AsyncIterable<ProgressResponse>, stream: boolean | undefined): Promise<Response> {
  return stream === false ? lastProgress(progress) : ndjsonResponse(progress, (line) => line);
}
