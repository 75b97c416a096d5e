// From a Hugging Face checkpoint to the layout of a GGUF: decides everything, then lets the writer draw the tensors' bytes
// through one after another. Reads the files it is given, writes nothing.

import { AppError } from "../base/errors.ts";
import type { GgufLayout, GgufWriteTensor } from "../formats/gguf/write.ts";
import { Checkpoint, type CheckpointFiles } from "./checkpoint.ts";
import type { ExtraTensor } from "./family.ts";
import { familyOf } from "./families/families.ts";
import { samplingMetadata, samplingOf } from "./generation.ts";
import { inputLimit } from "./pooling.ts";
import { Fields } from "./json.ts";
import { FILE_TYPES, FORMAT_IDS, isNumberFormat, type NumberFormat } from "./numbers.ts";
import { type MatrixFormat, type PlannedTensor, planTensors } from "./plan-tensors.ts";
import { tensorData } from "./tensor-data.ts";
import { tokenizerMetadata } from "./tokenizer/tokenizer.ts";
import { text, uint } from "./values.ts";

export interface Conversion {
  readonly layout: GgufLayout;
  /** PARAMETERs that the model's makers recommend. */
  readonly parameters: Readonly<Record<string, number>>;
}

export function planConversion(files: CheckpointFiles, matrices: MatrixFormat): Conversion {
  const checkpoint = new Checkpoint(files);
  const config = configOf(checkpoint);
  const family = familyOf(config);
  const body = textPart(config);
  const sizes = family.sizes(body);
  family.check(body, sizes);
  const planned = planTensors(family, sizes, checkpoint.tensors(), matrices);
  const sampling = samplingOf(checkpoint);
  const metadata = new Map([
    ["general.architecture", text(family.architecture)],
    ["general.type", text("model")],
    ["general.file_type", uint(FILE_TYPES[fileFormat(planned, matrices)])],
    ["general.quantization_version", uint(2)],
    ...samplingMetadata(sampling),
    ...family.metadata(body, sizes, checkpoint),
    ...tokenizerMetadata(checkpoint, body, family.tokenizers, sizes.vocabulary),
  ]);
  const extra = family.extraTensors?.(body, sizes) ?? [];
  const tensors = [...extra.map(extraTensor), ...planned.map(plannedTensor)];
  const limit = inputLimit(checkpoint);
  const context = limit !== undefined && limit < sizes.context ? { num_ctx: limit } : {};
  return { layout: { metadata, tensors }, parameters: { ...sampling, ...context } };
}

function configOf(checkpoint: Checkpoint): Fields {
  const config = checkpoint.object("config.json");
  if (config === undefined) throw new AppError("invalid", "config.json is missing: it says what model this is");
  return config;
}

/** Models of several senses keep their language model's numbers apart. */
function textPart(config: Fields): Fields {
  const inner = config.object("text_config");
  return inner === undefined ? config : new Fields({ ...config.record, ...inner.record }, inner.where);
}

function fileFormat(planned: readonly PlannedTensor[], matrices: MatrixFormat): NumberFormat {
  if (isNumberFormat(matrices)) return matrices;
  return planned.some(({ format }) => format === "BF16") ? "BF16" : "F16";
}

function plannedTensor(tensor: PlannedTensor): GgufWriteTensor {
  return {
    name: tensor.to,
    type: FORMAT_IDS[tensor.format],
    shape: tensor.source.shape.toReversed(),
    data: () => tensorData(tensor),
  };
}

function extraTensor({ to, values }: ExtraTensor): GgufWriteTensor {
  const data = new Uint8Array(Float32Array.from(values).buffer);
  return { name: to, type: FORMAT_IDS.F32, shape: [values.length], data };
}
