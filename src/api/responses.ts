// What a server answers → the types of the schemas, as a Go client would read it: a field that is absent or null has its
// zero value, fields nobody asked for are dropped, a wrong type is an error. Written without TypeBox, whose loading would
// take most of the time that `ollama list` has.

import { AppError } from "../base/errors.ts";
import type { ChatResponse, GenerateResponse } from "./schema/generate.ts";
import type { Message, ToolCall } from "./schema/message.ts";
import type {
  ListedModel,
  ListResponse,
  ModelDetails,
  ProcessResponse,
  ProgressResponse,
  RunningModel,
  ShowResponse,
} from "./schema/models.ts";
import type { UsageAccount, UsageResponse, UsageSpent } from "./schema/usage.ts";

/** `field` says where the value stands, for errors. */
type Read<T> = (value: unknown, field: string) => T;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function wrongType(value: unknown, field: string, wanted: string): AppError {
  const got = Array.isArray(value) ? "a list" : typeof value;
  return new AppError("internal", `unexpected answer from the server: ${field} is ${got}, not ${wanted}`);
}

const text: Read<string> = (value, field) => {
  if (isAbsent(value)) return "";
  if (typeof value !== "string") throw wrongType(value, field, "a string");
  return value;
};

const number: Read<number> = (value, field) => {
  if (isAbsent(value)) return 0;
  if (typeof value !== "number") throw wrongType(value, field, "a number");
  return value;
};

const boolean: Read<boolean> = (value, field) => {
  if (isAbsent(value)) return false;
  if (typeof value !== "boolean") throw wrongType(value, field, "true or false");
  return value;
};

const record: Read<Record<string, unknown>> = (value, field) => {
  if (isAbsent(value)) return {};
  if (!isRecord(value)) throw wrongType(value, field, "an object");
  return value;
};

function list<T>(item: Read<T>): Read<T[]> {
  return (value, field) => {
    if (isAbsent(value)) return [];
    if (!Array.isArray(value)) throw wrongType(value, field, "a list");
    return value.map((each: unknown) => item(each, field));
  };
}

function optional<T>(read: Read<T>): Read<T | undefined> {
  return (value, field) => (isAbsent(value) ? undefined : read(value, field));
}

/** The compiler checks that each field of the schema's type is read as what it is. */
function object<T extends object>(fields: { readonly [K in keyof T]-?: Read<T[K]> }): Read<T> {
  const rows = Object.entries<Read<unknown>>(fields);
  return (value, field) => {
    const source = record(value, field);
    const result: Record<string, unknown> = {};
    for (const [name, read] of rows) {
      const item = read(source[name], field === "" ? name : `${field}.${name}`);
      if (item !== undefined) result[name] = item;
    }
    return result as T;
  };
}

const details = object<ModelDetails>({
  parent_model: text,
  format: text,
  family: text,
  families: (value, field) => (isAbsent(value) ? null : list(text)(value, field)),
  parameter_size: text,
  quantization_level: text,
  context_length: optional(number),
  embedding_length: optional(number),
});

const listedModel = object<ListedModel>({
  name: text,
  model: text,
  remote_model: optional(text),
  remote_host: optional(text),
  modified_at: text,
  size: number,
  digest: text,
  details,
  capabilities: optional(list(text)),
});

const runningModel = object<RunningModel>({
  name: text,
  model: text,
  size: number,
  digest: text,
  details,
  expires_at: text,
  size_vram: number,
  context_length: number,
  parallel: optional(number),
  active_requests: optional(number),
  remote_model: optional(text),
  remote_host: optional(text),
  remote_failure: optional(text),
  queued_requests: optional(number),
});

const toolCall = object<ToolCall>({
  id: optional(text),
  function: object<ToolCall["function"]>({
    index: optional(number),
    name: text,
    arguments: optional(record),
  }),
});

const message = object<Message>({
  role: optional(text),
  content: optional(text),
  thinking: optional(text),
  images: optional(list(text)),
  tool_calls: optional(list(toolCall)),
  tool_name: optional(text),
  tool_call_id: optional(text),
});

export const listResponse = object<ListResponse>({ models: list(listedModel) });
export const processResponse = object<ProcessResponse>({ models: list(runningModel) });

export const showResponse = object<ShowResponse>({
  license: optional(text),
  modelfile: optional(text),
  parameters: optional(text),
  template: optional(text),
  system: optional(text),
  renderer: optional(text),
  parser: optional(text),
  details,
  messages: optional(list(message)),
  remote_model: optional(text),
  remote_host: optional(text),
  model_info: record,
  projector_info: optional(record),
  tensors: optional(list(object({ name: text, type: text, shape: list(number) }))),
  capabilities: optional(list(text)),
  modified_at: optional(text),
  requires: optional(text),
});

export const progressResponse = object<ProgressResponse>({
  status: optional(text),
  digest: optional(text),
  total: optional(number),
  completed: optional(number),
  error: optional(text),
});

const chunkFields = {
  model: text,
  remote_model: optional(text),
  remote_host: optional(text),
  created_at: text,
  done: boolean,
  done_reason: optional(text),
  total_duration: optional(number),
  load_duration: optional(number),
  prompt_eval_count: optional(number),
  prompt_eval_duration: optional(number),
  eval_count: optional(number),
  eval_duration: optional(number),
  prompt_cached_count: optional(number),
  truncated_count: optional(number),
  shifted_count: optional(number),
  draft_count: optional(number),
  draft_accepted_count: optional(number),
};

/** Log probabilities and debug output are not read: this client never asks for them. */
export type GenerateChunk = Omit<GenerateResponse, "logprobs" | "_debug_info">;
export type ChatChunk = Omit<ChatResponse, "logprobs" | "_debug_info">;

export const generateChunk = object<GenerateChunk>({
  ...chunkFields,
  response: text,
  thinking: optional(text),
  context: optional(list(number)),
  tool_calls: optional(list(toolCall)),
});

export const chatChunk = object<ChatChunk>({
  ...chunkFields,
  message: object<ChatChunk["message"]>({
    role: text,
    content: text,
    thinking: optional(text),
    tool_calls: optional(list(toolCall)),
  }),
});

const spent = object<UsageSpent>({ requests: number, prompt_tokens: number, generated_tokens: number });
export const usageResponse = object<UsageResponse>({
  day: text,
  key: text,
  accounts: list(
    object<UsageAccount>({ id: text, name: text, budget: number, limit: number, today: spent, month: spent }),
  ),
});

/** The part of /api/status that only this server has; absent for those who are not in charge. */
export interface AccessStatus {
  readonly listen: string;
  readonly exposed: boolean;
  readonly keys_required: boolean;
  readonly keys: number;
  readonly remote_management: boolean;
}
export const statusResponse = object<{ access: AccessStatus | undefined }>({
  access: optional(
    object<AccessStatus>({
      listen: text,
      exposed: boolean,
      keys_required: boolean,
      keys: number,
      remote_management: boolean,
    }),
  ),
});

export const versionResponse = object<{ version: string }>({ version: text });
export const embedResponse = object<{ embeddings: number[][] }>({ embeddings: list(list(number)) });
