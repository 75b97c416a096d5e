// Listing, showing and changing the models on this disk: tags, ps, show, create, copy, delete (spec 2.49–2.60).

import { sep } from "node:path";
import { Elysia } from "elysia";
import {
  CopyRequest,
  CreateRequest,
  DeleteRequest,
  type ListedModel,
  type ProgressResponse,
  type RunningModel,
  ShowRequest,
} from "../../api/schema/models.ts";
import { digestHex } from "../../base/digest.ts";
import type { GgufFacts } from "../../formats/gguf/facts.ts";
import { AppError, toAppError } from "../../base/errors.ts";
import { goJson } from "../../base/go-encode.ts";
import { goQuote } from "../../base/go-text.ts";
import { logWarn } from "../../base/log.ts";
import { formatLocal } from "../../base/rfc3339.ts";
import { capabilitiesOf } from "../../models/capabilities.ts";
import { checkCreateRequest, createModel } from "../../models/create.ts";
import type { Convert } from "../../models/from-checkpoint.ts";
import { ModelName } from "../../models/name.ts";
import { openModel, openStored, type OpenedModel } from "../../models/opened-model.ts";
import { detailsOf, showModel } from "../../models/show.ts";
import type { RemoteInfo } from "../../inference/remote/remotes.ts";
import { runConversion } from "../../runner/convert-job.ts";
import type { JobSettings } from "../../runner/job.ts";
import type { RunningInfo } from "../../scheduler/loaded.ts";
import { jsonBody } from "../body.ts";
import { localName, storedName } from "../model-reference.ts";
import { jsonResponse, publicError, STATUS } from "../errors.ts";
import type { StoredModel } from "../../models/store.ts";
import type { Services } from "../services.ts";
import { ndjsonResponse } from "../stream.ts";
import { isLocalProgram } from "../peers.ts";
import { endOf } from "../request-context.ts";

export function modelRoutes(services: Services) {
  return new Elysia()
    .get("/api/tags", () => listModels(services), { detail: { summary: "List models", tags: ["models"] } })
    .get("/api/ps", () => listRunning(services), { detail: { summary: "List running models", tags: ["models"] } })
    .post("/api/show", ({ body, request }) => show(services, body, request), {
      parse: jsonBody(ShowRequest),
      body: ShowRequest,
      detail: { summary: "Show a model", tags: ["models"] },
    })
    .post("/api/create", ({ body, request }) => create(services, body, endOf(request)), {
      parse: jsonBody(CreateRequest),
      body: CreateRequest,
      detail: { summary: "Create a model", tags: ["models"] },
    })
    .post("/api/copy", ({ body }) => copy(services, body), {
      parse: jsonBody(CopyRequest),
      body: CopyRequest,
      detail: { summary: "Copy a model", tags: ["models"] },
    })
    .delete("/api/delete", ({ body }) => remove(services, body), {
      parse: jsonBody(DeleteRequest),
      body: DeleteRequest,
      detail: { summary: "Delete a model", tags: ["models"] },
    });
}

async function listModels({ store, config }: Services): Promise<Response> {
  const models: ListedModel[] = [];
  for (const stored of await store.list()) {
    try {
      const model = await openStored(store, stored);
      const facts = readableFacts(model);
      const capabilities = capabilitiesOf(model, config.goTemplate, true);
      models.push({
        name: stored.name.display,
        model: stored.name.display,
        ...(model.config.remote_model === undefined ? {} : { remote_model: model.config.remote_model }),
        ...(model.config.remote_host === undefined ? {} : { remote_host: model.config.remote_host }),
        modified_at: formatLocal(stored.modifiedNs),
        size: stored.sizeBytes,
        digest: digestHex(stored.digest),
        details: {
          ...detailsOf(model),
          ...(facts === undefined
            ? {}
            : { context_length: facts.contextLength, embedding_length: facts.embeddingLength }),
        },
        ...(capabilities.length === 0 ? {} : { capabilities }),
      });
    } catch (error) {
      logWarn("cannot read model", { name: stored.name.display, error: toAppError(error).message });
    }
  }
  return jsonResponse({ models });
}

/** A model with damaged weights is still listed, as in Ollama: who does not see it cannot repair or remove it. */
function readableFacts(model: OpenedModel): GgufFacts | undefined {
  try {
    return model.weightsPath === undefined ? undefined : model.facts();
  } catch (error) {
    logWarn("cannot read the model's weights", { name: model.name.display, error: toAppError(error).message });
    return undefined;
  }
}

/** Kept for ever shows as some 290 years from now, the most a Go duration holds. */
const FOREVER_MS = 9_223_372_036_854;

function runningModel(info: RunningInfo): RunningModel {
  const { model } = info;
  const expiresMs = Number.isFinite(info.expiresAtMs) ? info.expiresAtMs : Date.now() + FOREVER_MS;
  return {
    name: model.name.display,
    model: model.name.display,
    size: info.sizeBytes,
    digest: digestHex(model.stored.digest),
    details: detailsOf(model),
    expires_at: formatLocal(BigInt(Math.round(expiresMs)) * 1_000_000n),
    size_vram: info.vramBytes,
    context_length: info.contextLength,
    parallel: info.sequences,
    active_requests: info.pending,
    queued_requests: info.queued,
  };
}

/** An engine elsewhere takes no memory here. */
function remoteModel({ model, expiresAtMs, contextLength, active, failure }: RemoteInfo): RunningModel {
  const { remote_model = "", remote_host = "" } = model.config;
  return {
    name: model.name.display,
    model: model.name.display,
    size: 0,
    digest: digestHex(model.stored.digest),
    details: detailsOf(model),
    expires_at: formatLocal(BigInt(Math.round(expiresAtMs)) * 1_000_000n),
    size_vram: 0,
    context_length: contextLength,
    active_requests: active,
    remote_model,
    remote_host,
    ...(failure === undefined ? {} : { remote_failure: failure }),
  };
}

async function listRunning({ scheduler, inference }: Services): Promise<Response> {
  const remote = await inference.remoteRunning();
  return jsonResponse({ models: [...scheduler.running().map(runningModel), ...remote.map(remoteModel)] });
}

/** Where the models are, and with it the user's name, is nobody else's business (threat o#13223). */
async function show({ store, config }: Services, request: ShowRequest, http: Request): Promise<Response> {
  const sent = request.model || request.name || "";
  if (sent.trim() === "") throw new AppError("invalid", "model is required");
  const name = localName(sent, "remote model details are unavailable");
  const shown = showModel(await openModel(store, name, name.display), request, config.goTemplate);
  const modelfile = isLocalProgram(http) ? shown.modelfile : shown.modelfile?.replaceAll(store.directory + sep, "");
  // Copilot Chat shows this key, where people look for the name that they know (Ollama: server/routes.go, ShowHandler).
  const isCopilot = (http.headers.get("user-agent") ?? "").startsWith("GitHubCopilotChat/");
  const model_info = isCopilot ? { ...shown.model_info, "general.basename": sent } : shown.model_info;
  return jsonResponse({ ...shown, modelfile, model_info });
}

async function create(
  { store, registry, quantize, config }: Services,
  request: CreateRequest,
  signal: AbortSignal,
): Promise<Response> {
  checkCreateRequest(request);
  const pull = (name: ModelName, pullSignal: AbortSignal) => registry.pull(name, false, pullSignal);
  const progress = createModel(
    { store, pull, quantize, convert: convertInChild(config) },
    withLocalFrom(request),
    signal,
  );
  return request.stream === false ? lastProgress(progress) : ndjsonResponse(progress, (line) => line);
}

/** Where a remote host is given, `from` is a name there. Throws as `localName` does. */
function withLocalFrom(request: CreateRequest): CreateRequest {
  if (!request.from || request.remote_host) return request;
  localName(request.from);
  return { ...request, from: storedName(request.from) };
}

/** One bar of its own: where clients key bars by digest, any text that is none will do (Ollama quantizes under zeros). */
function convertInChild(settings: JobSettings): Convert {
  return async function* (request, signal) {
    const status = "converting model";
    const conversion = runConversion(request, settings, signal);
    for (let step = await conversion.next(); ; step = await conversion.next()) {
      if (step.done === true) return step.value;
      yield { status, digest: status, ...step.value };
    }
  };
}

/** Not streamed: only the last status counts, and an error has its own status code. */
export async function lastProgress(progress: AsyncIterable<ProgressResponse>): Promise<Response> {
  let last: ProgressResponse = {};
  try {
    for await (const line of progress) last = line;
  } catch (error) {
    const { fault, message } = publicError(error);
    return new Response(goJson({ error: message }), {
      status: STATUS[fault],
      headers: { "content-type": "application/json" },
    });
  }
  return new Response(goJson(last), { headers: { "content-type": "application/json" } });
}

async function copy({ store }: Services, request: CopyRequest): Promise<Response> {
  const source = ModelName.tryParse(request.source ?? "");
  if (source === undefined) throw new AppError("invalid", `source ${goQuote(request.source ?? "")} is invalid`);
  const target = ModelName.tryParse(request.destination ?? "");
  if (target === undefined)
    throw new AppError("invalid", `destination ${goQuote(request.destination ?? "")} is invalid`);
  if ((await store.find(source)) === undefined)
    throw new AppError("not-found", `model ${goQuote(request.source ?? "")} not found`);
  // Onto itself, in whatever letters, it stays as old as it was.
  if (!source.equals(target)) await store.copy(source, target);
  return new Response(null);
}

async function remove({ store, scheduler }: Services, request: DeleteRequest): Promise<Response> {
  const sent = request.model || request.name || "";
  if (sent.trim() === "") throw new AppError("invalid", "model is required");
  const name = ModelName.tryParse(storedName(sent));
  if (name === undefined) throw new AppError("invalid", `name ${goQuote(sent)} is invalid`);
  let stored: StoredModel | undefined;
  try {
    stored = await store.find(name);
  } catch (error) {
    if (toAppError(error).fault !== "invalid") throw error;
    await store.removeUnreadable(name);
    return new Response(null);
  }
  if (stored === undefined) throw new AppError("not-found", `model '${sent}' not found`);
  const { weightsPath } = await openStored(store, stored).catch(() => ({ weightsPath: undefined }));
  await store.remove(stored);
  // The weights may still be used by another name; if they are gone, the runner must go too.
  if (weightsPath !== undefined && !(await Bun.file(weightsPath).exists())) scheduler.expire(weightsPath);
  return new Response(null);
}
