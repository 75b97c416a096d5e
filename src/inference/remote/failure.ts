// What can go wrong with an engine elsewhere → one clear error that names it and says what to do. Pure maps; the engine's own
// words are quoted cut short and without control characters, and a key never appears in them.

import { AppError, type ErrorFacts, type Fault } from "../../base/errors.ts";
import { isRecord } from "../../api/responses.ts";

/** Whether the question may be asked again: at the next address, at the same one too (a connection gone stale), or not at all. */
export type Again = "never" | "elsewhere" | "here";

export class EngineFailure extends AppError {
  constructor(
    fault: Fault,
    message: string,
    readonly again: Again,
    facts: ErrorFacts = {},
  ) {
    super(fault, message, facts);
  }
}

export interface Place {
  readonly baseUrl: string;
  readonly origin: string;
  /** The model's name there. */
  readonly model: string;
}

export interface Refusal {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string | null;
  readonly location: string | null;
  readonly body: string;
  /** Models the engine is known to serve. */
  readonly serves: readonly string[];
}

const QUOTED_LENGTH = 600;
const LISTED_MODELS = 8;

export function quoted(text: string): string {
  // eslint-disable-next-line no-control-regex -- they would act on a terminal
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
  return plain.length > QUOTED_LENGTH ? `${plain.slice(0, QUOTED_LENGTH)}…` : plain;
}

/** fetch did not get an answer. */
export function transportFailure(place: Place, error: unknown): EngineFailure {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message : String(error);
  const facts = { cause: error };
  if (/CERT|SSL|TLS|SIGNED|VERIFY|ISSUER/.test(code)) {
    const help = `if it has an authority of its own, run: ollama remote allow ${place.origin} --ca FILE`;
    return new EngineFailure(
      "upstream",
      `the certificate of ${place.baseUrl} is not trusted (${code}); ${help}`,
      "elsewhere",
      facts,
    );
  }
  if (code === "ECONNREFUSED" || code === "ConnectionRefused")
    return unreachable(place, "the connection was refused; is the engine running there?", "elsewhere", facts);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || /resolve|DNS/i.test(code + message))
    return unreachable(place, "its name is not known", "elsewhere", facts);
  if (code === "ECONNRESET" || code === "ConnectionClosed" || code === "EPIPE")
    return unreachable(place, "it closed the connection", "here", facts);
  if (code === "EMFILE" || code === "ENFILE")
    return unreachable(place, "this server may open no more connections (see ulimit -n)", "never", facts);
  return unreachable(place, quoted(code === "" ? message : `${code}: ${message}`), "elsewhere", facts);
}

function unreachable(place: Place, reason: string, again: Again, facts: ErrorFacts): EngineFailure {
  return new EngineFailure("upstream", `cannot reach ${place.baseUrl}: ${reason}`, again, facts);
}

/** It answered with a status that is no success. */
export function refusalFailure(place: Place, refusal: Refusal): EngineFailure {
  const { status, location, serves } = refusal;
  const said = reasonIn(refusal);
  const told = said === "" ? "" : `: ${said}`;
  const where = place.baseUrl;
  if (status >= 300 && status < 400)
    return fail("upstream", `${where} redirects to ${quoted(location ?? "nowhere")}; use that address if you trust it`);
  if (status === 401 || status === 403)
    return fail(
      "upstream",
      `${where} refused the key (${status})${told}; set it with: ollama remote allow ${place.origin} --key-stdin`,
    );
  if (status === 404) {
    // A model that is there and a 404 all the same: an engine without that route, such as embeddings of a chat model.
    const missing = !serves.includes(place.model) || /model/i.test(said);
    const list = serves.length === 0 ? "" : `; it serves: ${modelList(serves)}`;
    const what = missing
      ? `has no model ${JSON.stringify(place.model)}${told}${list}`
      : `has no such route for this model${told}`;
    return fail("upstream", `${where} ${what}${missing ? "" : "; is the address right?"}`);
  }
  if (status === 400 || status === 422) return fail("invalid", `${where} refused the request${told}`);
  if (status === 413) return fail("too-large", `the request is too large for ${where}${told}`);
  if (status === 429 || status === 503) {
    const seconds = Number(refusal.retryAfter ?? "");
    const retryAfterSeconds = Number.isInteger(seconds) && seconds > 0 ? seconds : 1;
    return new EngineFailure("busy", `${where} is busy (${status})${told}`, "elsewhere", { retryAfterSeconds });
  }
  return fail("upstream", `${where} answered ${status}${told}`, status >= 502 ? "elsewhere" : "never");
}

function fail(fault: Fault, message: string, again: Again = "never"): EngineFailure {
  return new EngineFailure(fault, message, again);
}

function modelList(serves: readonly string[]): string {
  const shown = serves.slice(0, LISTED_MODELS).map((name) => quoted(name).slice(0, 100));
  return shown.join(", ") + (serves.length > LISTED_MODELS ? `, … (${serves.length} in all)` : "");
}

export function isWebPage(contentType: string, body: string): boolean {
  return contentType.includes("html") || /^\s*<(?:!doctype|html|head|body)/i.test(body);
}

function reasonIn({ contentType, body }: Refusal): string {
  if (isWebPage(contentType, body)) return webPage(body);
  return quoted(errorText(parsed(body)) ?? body);
}

/** What a page instead of an answer is called in a message. */
export function webPage(body: string): string {
  const title = /<title[^>]*>([^<]*)/i.exec(body)?.[1] ?? "";
  const name = quoted(title).slice(0, 100);
  return `a web page${name === "" ? "" : ` (${JSON.stringify(name)})`} instead of JSON; a proxy may stand in between`;
}

/** The text of an error in any dialect: `{error: "…"}`, `{error: {message}}`, `{message}`, `{detail}`. */
export function errorText(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  for (const found of [value["error"], value["message"], value["detail"]]) {
    if (typeof found === "string" && found !== "") return found;
    if (isRecord(found) && typeof found["message"] === "string") return found["message"];
    if (Array.isArray(found)) return JSON.stringify(found);
  }
  return undefined;
}

function parsed(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body);
    return value;
  } catch {
    return undefined;
  }
}

/** It began well and then said something that cannot be read. */
export function unreadable(place: Place, what: string, cause?: unknown): EngineFailure {
  return new EngineFailure("upstream", `${place.baseUrl} ${what}`, "never", { cause });
}

/** Silence. `setting` is where the limit is set. */
export function tooSlow(place: Place, what: string, limitMs: number, setting: string): EngineFailure {
  const seconds = Math.round(limitMs / 100) / 10;
  return new EngineFailure("upstream", `${place.baseUrl} ${what} within ${seconds} s (${setting})`, "elsewhere");
}
