// Reads request bodies: bounded, any content type, decoded as Go would (spec 2.03).

import type { Static, TObject } from "@sinclair/typebox";
import { decodeBody } from "../api/decode.ts";
import { AppError } from "../base/errors.ts";

/** Enough for long conversations with images; models travel as blobs, which stream. */
export const MAX_BODY_BYTES = 128 * 1024 * 1024;

export async function readText(request: Request, limitBytes = MAX_BODY_BYTES): Promise<string> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > limitBytes) throw tooLarge(limitBytes);
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of request.body ?? []) {
    total += chunk.byteLength;
    if (total > limitBytes) throw tooLarge(limitBytes);
    chunks.push(chunk);
  }
  return new TextDecoder("utf-8", { ignoreBOM: false }).decode(Buffer.concat(chunks));
}

function tooLarge(limitBytes: number): AppError {
  return new AppError("too-large", `request body is larger than ${limitBytes} bytes`);
}

/** An Elysia parser for a route whose body is the schema's JSON, whatever the content type says. */
export function jsonBody<S extends TObject>(schema: S): (context: { request: Request }) => Promise<Static<S>> {
  return async ({ request }) => decodeBody(schema, await readText(request));
}
