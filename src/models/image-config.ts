// The config blob of a model (spec 6.05): what it is, as shown in lists, without opening its weights.

import { type Static, Type as t } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { goJsonLine } from "../base/go-encode.ts";
import { AppError } from "../base/errors.ts";

const Nullable = <T extends ReturnType<typeof t.Array> | ReturnType<typeof t.String>>(schema: T) =>
  t.Union([schema, t.Null()]);
const ConfigSchema = t.Object(
  {
    model_format: t.Optional(t.String()),
    model_family: t.Optional(t.String()),
    model_families: t.Optional(Nullable(t.Array(t.String()))),
    model_type: t.Optional(t.String()),
    file_type: t.Optional(t.String()),
    renderer: t.Optional(t.String()),
    parser: t.Optional(t.String()),
    requires: t.Optional(t.String()),
    remote_host: t.Optional(t.String()),
    remote_model: t.Optional(t.String()),
    capabilities: t.Optional(Nullable(t.Array(t.String()))),
    context_length: t.Optional(t.Integer()),
    embedding_length: t.Optional(t.Integer()),
    base_name: t.Optional(t.String()),
    draft: t.Optional(t.Unknown()),
    adapter_scales: t.Optional(t.Record(t.String(), t.Number())),
  },
  { additionalProperties: true },
);

/** Field names are the file's own. */
export interface ImageConfig {
  readonly model_format: string;
  readonly model_family: string;
  readonly model_families: readonly string[] | null;
  readonly model_type: string;
  readonly file_type: string;
  readonly renderer?: string;
  readonly parser?: string;
  readonly requires?: string;
  readonly remote_host?: string;
  readonly remote_model?: string;
  readonly capabilities?: readonly string[];
  readonly context_length?: number;
  readonly embedding_length?: number;
  readonly base_name?: string;
  readonly draft?: unknown;
  /** Of this program: strengths of adapters that are not 1, by digest. Ollama passes over it. */
  readonly adapter_scales?: Readonly<Record<string, number>>;
}

export const emptyConfig: ImageConfig = {
  model_format: "",
  model_family: "",
  model_families: null,
  model_type: "",
  file_type: "",
};

export function parseImageConfig(text: string): ImageConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError("invalid", "the model's config is not JSON", { cause: error });
  }
  if (!Value.Check(ConfigSchema, value)) throw new AppError("invalid", "the model's config is malformed");
  const raw: Static<typeof ConfigSchema> = value;
  const optional = Object.fromEntries(
    OPTIONAL.map((key) => [key, raw[key]] as const).filter(
      ([, item]) => item !== undefined && item !== null && item !== "",
    ),
  );
  return {
    model_format: raw.model_format ?? "",
    model_family: raw.model_family ?? "",
    model_families: raw.model_families ?? null,
    model_type: raw.model_type ?? "",
    file_type: raw.file_type ?? "",
    ...optional,
  };
}

const OPTIONAL = [
  "renderer",
  "parser",
  "requires",
  "remote_host",
  "remote_model",
  "capabilities",
  "context_length",
  "embedding_length",
  "base_name",
  "draft",
  "adapter_scales",
] as const;

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** Ollama's field order; empty optional fields are left out, the two that OCI wants stand last. */
export function encodeImageConfig(config: ImageConfig): string {
  const optional = OPTIONAL.map((key) => [key, config[key]] as const).filter(
    ([, item]) => item !== undefined && item !== "" && item !== 0 && !isEmptyObject(item),
  );
  return goJsonLine({
    model_format: config.model_format,
    model_family: config.model_family,
    model_families: config.model_families,
    model_type: config.model_type,
    file_type: config.file_type,
    ...Object.fromEntries(optional),
    architecture: "amd64",
    os: "linux",
  });
}
