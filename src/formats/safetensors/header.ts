// The header of a safetensors file: 8 bytes of length, then JSON that names each tensor's type, shape and place. A hostile
// file costs little: the header is bounded, and the tensors must fill the rest of the file without holes or overlaps.

import { AppError } from "../../base/errors.ts";
import { goQuote } from "../../base/go-text.ts";
import type { GgufSource } from "../gguf/source.ts";
import { SAFETENSORS_TYPES, type SafetensorsType } from "./types.ts";

export interface SafetensorsTensor {
  readonly name: string;
  readonly type: SafetensorsType;
  /** Slowest-varying dimension first, as in PyTorch. */
  readonly shape: readonly number[];
  /** From the start of the file. */
  readonly offset: number;
  readonly byteSize: number;
}

/** The limits of the reference reader (safetensors, src/tensor.rs), and what no model needs. */
const LIMITS = { headerBytes: 100_000_000, tensors: 100_000, dimensions: 8, nameCharacters: 1024 } as const;
const LENGTH_BYTES = 8;
const METADATA_KEY = "__metadata__";

/** Throws `invalid` with the file's name and the reason. */
export function readSafetensors(source: GgufSource, fileName: string): SafetensorsTensor[] {
  const refuse = (reason: string): AppError => new AppError("invalid", `${fileName}: ${reason}`);
  const headerBytes = readLength(source, refuse);
  const dataOffset = LENGTH_BYTES + headerBytes;
  const entries = Object.entries(parseHeader(source, headerBytes, refuse)).filter(([name]) => name !== METADATA_KEY);
  if (entries.length > LIMITS.tensors) throw refuse(`more than ${LIMITS.tensors} tensors`);
  const tensors = entries.map(([name, entry]) => readEntry(name, entry, dataOffset, refuse));
  tensors.sort((a, b) => a.offset - b.offset || a.byteSize - b.byteSize);
  let end = dataOffset;
  for (const { name, offset, byteSize } of tensors) {
    if (offset < end) throw refuse(`tensor ${shown(name)} overlaps another`);
    if (offset > end) throw refuse(`there are unused bytes before tensor ${shown(name)}`);
    end = offset + byteSize;
  }
  if (end > source.size) {
    throw refuse(`the file is truncated: ${source.size} bytes, its header promises ${end}; download it again`);
  }
  if (end < source.size) throw refuse(`there are ${source.size - end} unused bytes at the end`);
  return tensors;
}

type Refuse = (reason: string) => AppError;

function readLength(source: GgufSource, refuse: Refuse): number {
  const bytes = new Uint8Array(LENGTH_BYTES);
  if (source.readAt(bytes, 0) < LENGTH_BYTES) throw refuse("too short for a safetensors file");
  const length = new DataView(bytes.buffer).getBigUint64(0, true);
  if (length > BigInt(LIMITS.headerBytes)) {
    throw refuse(
      "not a safetensors file, or its header is larger than 100 MB; a Git LFS pointer must be fetched first",
    );
  }
  if (LENGTH_BYTES + Number(length) > source.size) throw refuse("the file ends inside its header; download it again");
  return Number(length);
}

function parseHeader(source: GgufSource, headerBytes: number, refuse: Refuse): Record<string, unknown> {
  const bytes = new Uint8Array(headerBytes);
  if (source.readAt(bytes, LENGTH_BYTES) < headerBytes) throw refuse("the file ends inside its header");
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw refuse("its header is not JSON");
  }
  if (!isRecord(header)) throw refuse("its header is not a JSON object");
  return header;
}

function readEntry(name: string, entry: unknown, dataOffset: number, refuse: Refuse): SafetensorsTensor {
  if (name === "" || name.length > LIMITS.nameCharacters) throw refuse("a tensor's name is empty or too long");
  if (!isRecord(entry)) throw refuse(`tensor ${shown(name)} is not described by an object`);
  const { dtype, shape, data_offsets: place } = entry;
  const elementBytes = typeof dtype === "string" ? SAFETENSORS_TYPES.get(dtype as SafetensorsType) : undefined;
  if (elementBytes === undefined) throw refuse(`tensor ${shown(name)} has unknown type ${shown(String(dtype))}`);
  if (!isCounts(shape) || shape.length > LIMITS.dimensions) throw refuse(`tensor ${shown(name)} has no valid shape`);
  const [begin, end] = isCounts(place) && place.length === 2 ? place : [];
  if (begin === undefined || end === undefined || end < begin) {
    throw refuse(`tensor ${shown(name)} has no valid data_offsets`);
  }
  const byteSize = shape.reduce((product, length) => product * length, elementBytes);
  if (!Number.isSafeInteger(byteSize) || byteSize !== end - begin) {
    throw refuse(`tensor ${shown(name)} of shape [${shape.join(", ")}] does not fill its ${end - begin} bytes`);
  }
  return { name, type: dtype as SafetensorsType, shape, offset: dataOffset + begin, byteSize };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function shown(name: string): string {
  return goQuote(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}
