// Reads request bodies: bounded in size and time, any content type, decoded as Go would (spec 2.03); compressed ones too (3.01).

import { gunzipSync, zstdDecompressSync } from "node:zlib";
import type { Static, TObject } from "@sinclair/typebox";
import { decodeBody } from "../api/decode.ts";
import { AppError } from "../base/errors.ts";
import { logInfo } from "../base/log.ts";
import { currentRequest } from "./request-context.ts";

/** Enough for long conversations with images; models travel as blobs, which stream. */
export const MAX_BODY_BYTES = 128 * 1024 * 1024;

/** What a compressed body may become (Ollama: middleware/openai.go, maxDecompressedBodySize). */
const MAX_DECOMPRESSED_BYTES = 20 * 1024 * 1024;
/** A client that sends nothing for this long has gone. */
const SILENCE_MS = 60_000;

export async function readText(request: Request, limitBytes = MAX_BODY_BYTES, silenceMs = SILENCE_MS): Promise<string> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > limitBytes) throw tooLarge(limitBytes);
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of withoutSilence(request.body, silenceMs)) {
    total += chunk.byteLength;
    if (total > limitBytes) throw tooLarge(limitBytes);
    currentRequest()?.keepBody(chunk.byteLength);
    chunks.push(chunk);
  }
  const bytes = decompress(Buffer.concat(chunks), request.headers.get("content-encoding") ?? "");
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  if (currentRequest()?.logsBody === true) logInfo("request body", { body: text });
  return text;
}

async function* withoutSilence(body: ReadableStream<Uint8Array> | null, silenceMs: number): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    for (;;) {
      const silence = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new AppError("invalid", "the request body stopped arriving")), silenceMs);
      });
      const { done, value } = await Promise.race([reader.read(), silence]);
      clearTimeout(timer);
      if (done) return;
      yield value;
    }
  } finally {
    clearTimeout(timer);
    void reader.cancel().catch(() => undefined);
  }
}

function decompress(bytes: Buffer, encoding: string): Buffer {
  const name = encoding.trim().toLowerCase();
  if (name === "" || name === "identity") return bytes;
  const limit = { maxOutputLength: MAX_DECOMPRESSED_BYTES };
  try {
    if (name === "zstd") return zstdDecompressSync(bytes, limit);
    if (name === "gzip") return gunzipSync(bytes, limit);
  } catch (error) {
    const isTooLarge = error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
    if (isTooLarge) throw tooLarge(MAX_DECOMPRESSED_BYTES);
    throw new AppError("invalid", `failed to decompress ${name} body`, { cause: error });
  }
  throw new AppError("invalid", `content encoding ${JSON.stringify(encoding)} is not supported`);
}

function tooLarge(limitBytes: number): AppError {
  return new AppError("too-large", `request body is larger than ${limitBytes} bytes`);
}

/** An Elysia parser for a route whose body is the schema's JSON, whatever the content type says. */
export function jsonBody<S extends TObject>(schema: S): (context: { request: Request }) => Promise<Static<S>> {
  return async ({ request }) => decodeBody(schema, await readText(request));
}
