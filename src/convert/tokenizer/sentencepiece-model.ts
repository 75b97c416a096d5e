// tokenizer.model, a protocol buffer (sentencepiece: sentencepiece_model.proto). Only the few fields that matter are read;
// hostile lengths end in an error.

import { AppError } from "../../base/errors.ts";

export interface Piece {
  readonly text: string;
  readonly score: number;
  /** 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte: the numbers GGUF uses too. */
  readonly type: number;
}

export interface SentencePieceModel {
  readonly pieces: readonly Piece[];
  readonly isBpe: boolean;
  readonly addsDummyPrefix: boolean;
}

const BPE = 2;

/** Undefined where the file is no such buffer: Llama 3 ships another kind of file under this name. */
export function readSentencePieceModel(bytes: Uint8Array): SentencePieceModel | undefined {
  try {
    const pieces: Piece[] = [];
    let [modelType, addsDummyPrefix] = [1, true];
    for (const { field, value } of messageFields(bytes)) {
      if (!(value instanceof Uint8Array)) continue;
      if (field === 1) pieces.push(readPiece(value));
      if (field === 2) modelType = numberIn(value, 3) ?? modelType;
      if (field === 3) addsDummyPrefix = (numberIn(value, 3) ?? 1) !== 0;
    }
    return pieces.length === 0 ? undefined : { pieces, isBpe: modelType === BPE, addsDummyPrefix };
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

function readPiece(bytes: Uint8Array): Piece {
  let [text, score, type] = ["", 0, 1];
  for (const { field, value } of messageFields(bytes)) {
    if (field === 1 && value instanceof Uint8Array) text = new TextDecoder().decode(value);
    if (field === 2 && value instanceof DataView) score = value.getFloat32(0, true);
    if (field === 3 && typeof value === "number") type = value;
  }
  return { text, score, type };
}

function numberIn(bytes: Uint8Array, wanted: number): number | undefined {
  let found: number | undefined;
  for (const { field, value } of messageFields(bytes)) if (field === wanted && typeof value === "number") found = value;
  return found;
}

interface Field {
  readonly field: number;
  /** A varint as a number, 4 or 8 fixed bytes as a view, anything else as bytes. */
  readonly value: number | Uint8Array | DataView;
}

function* messageFields(bytes: Uint8Array): Generator<Field, void, undefined> {
  const broken = (): AppError => new AppError("invalid", "tokenizer.model is not a SentencePiece model");
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 10; shift++) {
      const byte = bytes[at++];
      if (byte === undefined) throw broken();
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value;
    }
    throw broken();
  };
  const take = (length: number): Uint8Array => {
    if (!Number.isSafeInteger(length) || at + length > bytes.byteLength) throw broken();
    at += length;
    return bytes.subarray(at - length, at);
  };
  const fixed = (length: number): DataView => {
    const part = take(length);
    return new DataView(part.buffer, part.byteOffset, length);
  };
  while (at < bytes.byteLength) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { field, value: varint() };
        break;
      case 1:
        yield { field, value: fixed(8) };
        break;
      case 2:
        yield { field, value: take(varint()) };
        break;
      case 5:
        yield { field, value: fixed(4) };
        break;
      default:
        throw broken();
    }
  }
}
