// The bytes of one planned tensor, a few megabytes at a time, so a model of any size passes through the same little memory.

import { AppError } from "../base/errors.ts";
import { FORMAT_BYTES, allFinite, convertNumbers, narrow, widen } from "./numbers.ts";
import type { PlannedTensor } from "./plan-tensors.ts";

const CHUNK_BYTES = 4 * 1024 * 1024;
/** The longest row of any known model is 64 times smaller. */
const MAX_ROW_BYTES = 64 * 1024 * 1024;

export function* tensorData(tensor: PlannedTensor): Generator<Uint8Array, void, undefined> {
  for (const bytes of tensor.interleavedHeads > 0 ? interleaved(tensor) : inOrder(tensor)) {
    if (!allFinite(bytes, tensor.from)) {
      throw new AppError("invalid", `tensor "${tensor.source.name}" holds NaN or infinity: the model is damaged`);
    }
    yield converted(tensor, bytes);
  }
}

function converted(tensor: PlannedTensor, bytes: Uint8Array): Uint8Array {
  const { from, format, plusOne, source } = tensor;
  if (from === format && !plusOne) return bytes;
  const result = plusOne
    ? narrow(
        widen(bytes, from).map((value) => value + 1),
        format,
      )
    : convertNumbers(bytes, from, format);
  if (format === "F16" && !allFinite(result, "F16")) {
    throw new AppError(
      "invalid",
      `tensor "${source.name}" holds numbers too large for F16; create the model with --quantize BF16 or F32`,
    );
  }
  return result;
}

function* inOrder({ source, from }: PlannedTensor): Generator<Uint8Array, void, undefined> {
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, source.byteSize));
  const step = buffer.byteLength - (buffer.byteLength % FORMAT_BYTES[from]);
  for (let done = 0; done < source.byteSize; done += step) {
    const part = buffer.subarray(0, Math.min(step, source.byteSize - done));
    read(source, part, source.offset + done);
    yield part;
  }
}

/** Row 2i of a head comes from its first half, row 2i + 1 from its second. */
function* interleaved({ source, from, interleavedHeads }: PlannedTensor): Generator<Uint8Array, void, undefined> {
  const [rows = 1, ...rest] = source.shape;
  const rowBytes = rest.reduce((product, length) => product * length, FORMAT_BYTES[from]);
  if (rowBytes > MAX_ROW_BYTES) throw new AppError("invalid", `tensor "${source.name}" has rows too long for a model`);
  const headRows = rows / interleavedHeads;
  const rowsAtOnce = Math.max(1, Math.min(rows, Math.floor(CHUNK_BYTES / rowBytes)));
  const buffer = new Uint8Array(rowsAtOnce * rowBytes);
  for (let first = 0; first < rows; first += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows - first);
    for (let i = 0; i < count; i++) {
      const inHead = (first + i) % headRows;
      const origin = first + i - inHead + (inHead % 2) * (headRows / 2) + Math.floor(inHead / 2);
      read(source, buffer.subarray(i * rowBytes, (i + 1) * rowBytes), source.offset + origin * rowBytes);
    }
    yield buffer.subarray(0, count * rowBytes);
  }
}

function read(source: PlannedTensor["source"], target: Uint8Array, offset: number): void {
  if (source.source.readAt(target, offset) < target.byteLength) {
    throw new AppError("invalid", `${source.file} became shorter while it was read`);
  }
}
