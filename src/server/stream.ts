// AsyncIterable → NDJSON or server-sent events. The first item decides the status: an error before it is an ordinary error response, one after
// it is the last line of a 200 (spec 2.05). Reading waits for the client, so one that stops reading stops the work.

import { currentRequest, reasonOf } from "./request-context.ts";
import { publicError } from "./errors.ts";
import { goJson } from "../base/go-encode.ts";

export const NDJSON_TYPE = "application/x-ndjson";
export const SSE_TYPE = "text/event-stream";

const ends = new WeakMap<Response, Promise<void>>();

/** Resolves when a stream made here has ended, however it did; undefined for an answer that is whole. */
export function endOfStream(response: Response): Promise<void> | undefined {
  return ends.get(response);
}

/** Throws what the source throws before its first item. `format` turns an item into its bytes on the wire. */
export async function streamResponse<T>(
  source: AsyncIterable<T>,
  options: {
    readonly type: string;
    readonly format: (item: T) => string;
    readonly formatError: (error: unknown) => string;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<Response> {
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  const encoder = new TextEncoder();
  const context = currentRequest();
  let pending: IteratorResult<T> | undefined = first;
  const ended = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const item = pending ?? (await iterator.next());
          pending = undefined;
          if (item.done !== true) return controller.enqueue(encoder.encode(options.format(item.value)));
          // What ends in the turn in which it began the runtime would send whole, with a length; streams come in chunks.
          await new Promise(setImmediate);
          controller.close();
          ended.resolve();
        } catch (error) {
          controller.enqueue(encoder.encode(options.formatError(reasonOf(context, error))));
          controller.close();
          ended.resolve();
        }
      },
      async cancel() {
        ended.resolve();
        await iterator.return?.();
      },
    },
    { highWaterMark: 1 },
  );
  const response = new Response(body, { headers: { "content-type": options.type, ...options.headers } });
  ends.set(response, ended.promise);
  return response;
}

/** One line an item; `message` says what an item looks like on the wire. */
export function ndjsonResponse<T>(source: AsyncIterable<T>, message: (item: T) => unknown): Promise<Response> {
  return streamResponse(source, {
    type: NDJSON_TYPE,
    format: (item) => `${goJson(message(item))}\n`,
    formatError: (error) => `${goJson({ error: publicError(error).message })}\n`,
  });
}

export interface SseItem {
  readonly event?: string;
  /** A string is sent as it stands, anything else as JSON. */
  readonly data: unknown;
}

/** `failed` says in the dialect's own words what ends a stream that breaks. */
export function sseResponse(
  source: AsyncIterable<SseItem>,
  failed: (error: unknown) => readonly SseItem[],
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return streamResponse(source, {
    type: SSE_TYPE,
    format: sseText,
    formatError: (error) => failed(error).map(sseText).join(""),
    headers,
  });
}

function sseText({ event, data }: SseItem): string {
  const line = `data: ${typeof data === "string" ? data : goJson(data)}\n\n`;
  return event === undefined ? line : `event: ${event}\n${line}`;
}
