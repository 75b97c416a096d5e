// Conversions run in a child: reading, turning and hashing gigabytes would hold the server up. The GGUF goes straight to
// its place, hashed on the way, so that nothing is written twice.

import { closeSync, fstatSync, fsyncSync, openSync, readSync, statfsSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { type Digest, DigestStream } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { humanBytes } from "../base/bytes.ts";
import { type AdapterBase, planAdapter } from "../convert/adapter.ts";
import { type Conversion, planConversion } from "../convert/convert.ts";
import type { MatrixFormat } from "../convert/plan-tensors.ts";
import type { GgufSource } from "../formats/gguf/source.ts";
import { ggufByteSize, writeGguf } from "../formats/gguf/write.ts";
import { type JobSettings, runJob, serveJob } from "./job.ts";
import { selfCommand } from "./self.ts";

export interface ConvertPayload {
  /** Names relative to the model's folder → where the files are. */
  readonly files: Readonly<Record<string, string>>;
  /** Made by the job. Whoever asks removes it when this fails. */
  readonly target: string;
  /** Of a model's matrices; an adapter's are always F32. */
  readonly matrices: MatrixFormat;
  /** The model that the files adapt; undefined where they are a model. */
  readonly adapterOf?: AdapterBase | undefined;
}

export interface ConvertProgress {
  readonly completed: number;
  readonly total: number;
}

export interface ConvertResult {
  readonly digest: Digest;
  readonly size: number;
  readonly parameters: Conversion["parameters"];
}

export function runConversion(
  payload: ConvertPayload,
  settings: JobSettings,
  signal: AbortSignal,
): AsyncGenerator<ConvertProgress, ConvertResult, undefined> {
  const files = { inputs: Object.values(payload.files), outputs: [payload.target] };
  return runJob({ name: "the conversion", command: selfCommand("convert"), payload, files, settings }, signal);
}

/** The main of the hidden role. */
export function serveConversion(): Promise<never> {
  return serveJob({ work: (payload: ConvertPayload, report) => convert(payload, report) });
}

type Report = (progress: ConvertProgress) => void;

async function convert({ files, target, matrices, adapterOf }: ConvertPayload, report: Report): Promise<ConvertResult> {
  const sources = new Map<string, GgufSource>();
  const descriptors: number[] = [];
  try {
    for (const [name, path] of Object.entries(files)) {
      const descriptor = openSync(path, "r");
      descriptors.push(descriptor);
      sources.set(name, fileSource(descriptor));
    }
    const conversion =
      adapterOf === undefined
        ? planConversion(sources, matrices)
        : { layout: planAdapter(sources, adapterOf), parameters: {} };
    return { ...(await write(conversion, target, report)), parameters: conversion.parameters };
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

function fileSource(descriptor: number): GgufSource {
  return {
    size: fstatSync(descriptor).size,
    readAt: (target, offset) => {
      let done = 0;
      while (done < target.byteLength) {
        const count = readSync(descriptor, target, done, target.byteLength - done, offset + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    },
  };
}

async function write(
  { layout }: Conversion,
  target: string,
  report: Report,
): Promise<{ readonly digest: Digest; readonly size: number }> {
  const total = ggufByteSize(layout);
  refuseFullDisk(target, total);
  const throttled = everySoOften((completed) => report({ completed, total }));
  const hash = new DigestStream();
  const descriptor = openSync(target, "w");
  try {
    const size = await writeGguf((chunk) => {
      hash.update(chunk);
      writeWhole(descriptor, chunk);
      throttled(hash.bytes);
    }, layout);
    fsyncSync(descriptor);
    report({ completed: total, total });
    return { digest: hash.digest(), size };
  } catch (error) {
    throw hasCode(error, "ENOSPC") || hasCode(error, "EDQUOT") ? diskFull(target, total, error) : error;
  } finally {
    closeSync(descriptor);
  }
}

function writeWhole(descriptor: number, chunk: Uint8Array): void {
  for (let done = 0; done < chunk.byteLength;) done += writeSync(descriptor, chunk, done, chunk.byteLength - done);
}

function refuseFullDisk(target: string, total: number): void {
  const { bavail, bsize } = statfsSync(dirname(target));
  if (bavail * bsize < total) throw diskFull(target, total, undefined);
}

function diskFull(target: string, total: number, cause: unknown): AppError {
  return new AppError(
    "internal",
    `not enough space in ${dirname(target)}: the converted model takes ${humanBytes(total)}; free some, or set OLLAMA_MODELS to another disk`,
    { cause },
  );
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

const REPORT_MS = 100;

function everySoOften(act: (completed: number) => void): (completed: number) => void {
  let lastMs = 0;
  return (completed) => {
    const nowMs = performance.now();
    if (nowMs - lastMs < REPORT_MS) return;
    lastMs = nowMs;
    act(completed);
  };
}
