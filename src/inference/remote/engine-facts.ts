// What an engine elsewhere is, found out by asking it: which API it speaks, which program it is, which models it serves. An
// address that ends in /v1 is taken at its word; any other is first asked whether it is an Ollama.

import { isRecord } from "../../api/responses.ts";
import { toAppError } from "../../base/errors.ts";
import { EngineFailure, type Place } from "./failure.ts";
import { type Access, askJson } from "./transport.ts";

/** "ours" also honours what Ollama's own API leaves out: grammars, tool choices. */
export type Flavour = "vllm" | "sglang" | "llamacpp" | "ollama" | "ours" | "other";

export interface EngineFacts {
  readonly dialect: "openai" | "ollama";
  readonly flavour: Flavour;
  /** "" where it does not say. */
  readonly version: string;
  /** Where the dialect's routes begin. */
  readonly apiUrl: string;
  /** Where the routes of the program itself begin. */
  readonly rootUrl: string;
  readonly serves: readonly string[];
  readonly contextLength: number | undefined;
  /** What an Ollama says that the model can do. */
  readonly capabilities: readonly string[] | undefined;
  /** What an OpenAI-compatible engine says about images; undefined where it says nothing. */
  readonly takesImages: boolean | undefined;
}

export interface Asker {
  readonly place: Place;
  readonly access: Access;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

type Ask = (url: string, body?: unknown) => Promise<unknown>;

function askerOf({ place, access, limitMs, signal }: Asker): Ask {
  const silence = { what: "did not say what it is", limitMs, setting: "OLLAMA_REMOTE_CONNECT_TIMEOUT" };
  return (url, body) => askJson(place, access, { url, body, accept: "application/json" }, silence, signal);
}

/** Throws an EngineFailure when nothing answers, or not as an engine would. */
export async function findFacts(asker: Asker): Promise<EngineFacts> {
  const ask = askerOf(asker);
  const { baseUrl, model } = asker.place;
  if (baseUrl.endsWith("/v1")) return openAIFacts(ask, baseUrl, model);
  const version = await ollamaVersion(ask, baseUrl);
  return version === undefined ? openAIFacts(ask, `${baseUrl}/v1`, model) : ollamaFacts(ask, baseUrl, version, model);
}

/** undefined for a server that is none; throws when nothing can be reached. */
async function ollamaVersion(ask: Ask, rootUrl: string): Promise<string | undefined> {
  const answer = await optional(ask(`${rootUrl}/api/version`));
  return isRecord(answer) && typeof answer["version"] === "string" ? answer["version"] : undefined;
}

/** An answer that may be missing: only a server that cannot be reached, or that wants a key, ends the asking. */
async function optional(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    const isAbsent = error instanceof EngineFailure && error.again === "never" && !/key \(40[13]\)/.test(error.message);
    if (isAbsent) return undefined;
    throw toAppError(error);
  }
}

async function ollamaFacts(ask: Ask, rootUrl: string, version: string, model: string): Promise<EngineFacts> {
  const [shown, flavour] = await Promise.all([ask(`${rootUrl}/api/show`, { model }), ollamaFlavour(ask, rootUrl)]);
  const info = isRecord(shown) && isRecord(shown["model_info"]) ? shown["model_info"] : {};
  const context = Object.entries(info).find(([name]) => name.endsWith(".context_length"))?.[1];
  return {
    dialect: "ollama",
    flavour,
    version,
    apiUrl: rootUrl,
    rootUrl,
    serves: [],
    contextLength: typeof context === "number" ? context : undefined,
    capabilities: isRecord(shown) ? texts(shown["capabilities"]) : [],
    takesImages: undefined,
  };
}

/** Only this program answers /health. */
async function ollamaFlavour(ask: Ask, rootUrl: string): Promise<Flavour> {
  const health = await optional(ask(`${rootUrl}/health`));
  return isRecord(health) && health["status"] === "ok" ? "ours" : "ollama";
}

async function openAIFacts(ask: Ask, apiUrl: string, model: string): Promise<EngineFacts> {
  const rootUrl = apiUrl.replace(/\/v1$/, "");
  const list = await optional(ask(`${apiUrl}/models`));
  const models = isRecord(list) && Array.isArray(list["data"]) ? list["data"].filter(isRecord) : [];
  const asked = models.find(({ id }) => id === model) ?? models[0];
  const owner = asked?.["owned_by"];
  const { flavour, version } = await programAt(ask, rootUrl, typeof owner === "string" ? owner : "");
  return {
    dialect: "openai",
    flavour,
    version,
    apiUrl,
    rootUrl,
    serves: models.map(({ id }) => id).filter((id) => typeof id === "string"),
    contextLength: contextOf(asked),
    capabilities: undefined,
    takesImages: takesImages(asked),
  };
}

/** Engines name themselves as the owner of their models. */
async function programAt(ask: Ask, rootUrl: string, owner: string): Promise<{ flavour: Flavour; version: string }> {
  switch (owner) {
    case "llamacpp":
      return { flavour: "llamacpp", version: "" };
    case "sglang":
    case "vllm": {
      const answer = await optional(ask(`${rootUrl}/version`));
      const version = isRecord(answer) && typeof answer["version"] === "string" ? answer["version"] : "";
      return { flavour: owner, version };
    }
    default: {
      const version = await ollamaVersion(ask, rootUrl);
      if (version === undefined) return { flavour: "other", version: "" };
      return { flavour: await ollamaFlavour(ask, rootUrl), version };
    }
  }
}

function contextOf(model: Record<string, unknown> | undefined): number | undefined {
  const meta = isRecord(model?.["meta"]) ? model["meta"] : {};
  const found = [model?.["max_model_len"], meta["n_ctx"], meta["n_ctx_train"]];
  return found.find((value): value is number => typeof value === "number" && value > 0);
}

/** llama-server and OpenRouter list the kinds of input. */
function takesImages(model: Record<string, unknown> | undefined): boolean | undefined {
  const architecture = isRecord(model?.["architecture"]) ? model["architecture"] : {};
  const kinds = texts(architecture["input_modalities"]);
  return kinds.length === 0 ? undefined : kinds.includes("image");
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
