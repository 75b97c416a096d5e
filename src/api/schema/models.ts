// The model management routes: tags, ps, show, create, copy, delete, pull, push.

import { type Static, Type as t } from "@sinclair/typebox";
import { Message } from "./message.ts";

export const ModelDetails = t.Object(
  {
    parent_model: t.String(),
    format: t.String(),
    family: t.String(),
    families: t.Union([t.Array(t.String()), t.Null()]),
    parameter_size: t.String(),
    quantization_level: t.String(),
    context_length: t.Optional(t.Integer()),
    embedding_length: t.Optional(t.Integer()),
  },
  { title: "ModelDetails" },
);
export type ModelDetails = Static<typeof ModelDetails>;

export const ListedModel = t.Object({
  name: t.String(),
  model: t.String(),
  remote_model: t.Optional(t.String()),
  remote_host: t.Optional(t.String()),
  modified_at: t.String(),
  size: t.Integer(),
  digest: t.String(),
  details: ModelDetails,
  capabilities: t.Optional(t.Array(t.String())),
});
export type ListedModel = Static<typeof ListedModel>;
export const ListResponse = t.Object({ models: t.Array(ListedModel) }, { title: "ListResponse" });
export type ListResponse = Static<typeof ListResponse>;

export const RunningModel = t.Object({
  name: t.String(),
  model: t.String(),
  size: t.Integer(),
  digest: t.String(),
  details: ModelDetails,
  expires_at: t.String(),
  size_vram: t.Integer(),
  context_length: t.Integer(),
  /** Not in Ollama. */
  parallel: t.Optional(t.Integer()),
  active_requests: t.Optional(t.Integer()),
  remote_model: t.Optional(t.String()),
  remote_host: t.Optional(t.String()),
  remote_failure: t.Optional(t.String({ description: "Why the engine elsewhere cannot be reached" })),
  queued_requests: t.Optional(t.Integer()),
});
export type RunningModel = Static<typeof RunningModel>;
export const ProcessResponse = t.Object({ models: t.Array(RunningModel) }, { title: "ProcessResponse" });
export type ProcessResponse = Static<typeof ProcessResponse>;

export const ShowRequest = t.Object(
  {
    model: t.Optional(t.String()),
    name: t.Optional(t.String()),
    system: t.Optional(t.String()),
    template: t.Optional(t.String()),
    verbose: t.Optional(t.Boolean()),
    options: t.Optional(t.Record(t.String(), t.Unknown())),
  },
  { title: "ShowRequest" },
);
export type ShowRequest = Static<typeof ShowRequest>;

export const ShowResponse = t.Object(
  {
    license: t.Optional(t.String()),
    modelfile: t.Optional(t.String()),
    parameters: t.Optional(t.String()),
    template: t.Optional(t.String()),
    system: t.Optional(t.String()),
    renderer: t.Optional(t.String()),
    parser: t.Optional(t.String()),
    details: ModelDetails,
    messages: t.Optional(t.Array(Message)),
    remote_model: t.Optional(t.String()),
    remote_host: t.Optional(t.String()),
    model_info: t.Record(t.String(), t.Unknown()),
    projector_info: t.Optional(t.Record(t.String(), t.Unknown())),
    tensors: t.Optional(t.Array(t.Object({ name: t.String(), type: t.String(), shape: t.Array(t.Integer()) }))),
    capabilities: t.Optional(t.Array(t.String())),
    modified_at: t.Optional(t.String()),
    requires: t.Optional(t.String()),
  },
  { title: "ShowResponse" },
);
export type ShowResponse = Static<typeof ShowResponse>;

export const CreateRequest = t.Object(
  {
    model: t.Optional(t.String()),
    name: t.Optional(t.String()),
    stream: t.Optional(t.Boolean()),
    quantize: t.Optional(t.String()),
    quantization: t.Optional(t.String()),
    from: t.Optional(t.String()),
    remote_host: t.Optional(t.String({ description: "Base URL of another engine; several with commas" })),
    remote_model: t.Optional(t.String({ description: "The model's name there, if `from` does not give it" })),
    files: t.Optional(t.Record(t.String(), t.String(), { goType: "map[string]string" })),
    adapters: t.Optional(t.Record(t.String(), t.String(), { goType: "map[string]string" })),
    adapter_scales: t.Optional(
      t.Record(t.String(), t.Number(), { description: "Strength of an adapter, by its name; 1 where none is given" }),
    ),
    draft_quantize: t.Optional(t.String()),
    draft_files: t.Optional(t.Record(t.String(), t.String(), { goType: "map[string]string" })),
    template: t.Optional(t.String()),
    license: t.Optional(t.Unknown({ description: "A text or a list of texts" })),
    system: t.Optional(t.String()),
    parameters: t.Optional(t.Record(t.String(), t.Unknown())),
    messages: t.Optional(t.Array(Message, { goType: "[]api.Message" })),
    renderer: t.Optional(t.String()),
    parser: t.Optional(t.String()),
    requires: t.Optional(t.String()),
    info: t.Optional(t.Record(t.String(), t.Unknown())),
  },
  { title: "CreateRequest" },
);
export type CreateRequest = Static<typeof CreateRequest>;

export const CopyRequest = t.Object(
  { source: t.Optional(t.String()), destination: t.Optional(t.String()) },
  { title: "CopyRequest", description: "Copy a model to another name" },
);
export type CopyRequest = Static<typeof CopyRequest>;

export const DeleteRequest = t.Object(
  { model: t.Optional(t.String()), name: t.Optional(t.String()) },
  { title: "DeleteRequest" },
);
export type DeleteRequest = Static<typeof DeleteRequest>;

const transferFields = {
  model: t.Optional(t.String()),
  name: t.Optional(t.String()),
  insecure: t.Optional(t.Boolean()),
  stream: t.Optional(t.Boolean()),
  username: t.Optional(t.String({ description: "Without effect, as in Ollama" })),
  password: t.Optional(t.String({ description: "Without effect, as in Ollama" })),
};
export const PullRequest = t.Object(transferFields, { title: "PullRequest", description: "Fetch a model" });
export type PullRequest = Static<typeof PullRequest>;
export const PushRequest = t.Object(transferFields, {
  title: "PushRequest",
  description: "Send a model to a registry",
});
export type PushRequest = Static<typeof PushRequest>;

/** One line of a create, pull or push stream. */
export const ProgressResponse = t.Object(
  {
    status: t.Optional(t.String()),
    digest: t.Optional(t.String()),
    total: t.Optional(t.Integer()),
    completed: t.Optional(t.Integer()),
    error: t.Optional(t.String()),
  },
  { title: "ProgressResponse" },
);
export type ProgressResponse = Static<typeof ProgressResponse>;

export const VersionResponse = t.Object({ version: t.String() }, { title: "VersionResponse" });
export const ErrorResponse = t.Object({ error: t.String() }, { title: "ErrorResponse" });
