// Stands in front of a real registry and spoils its answers on request; counts what it hands on.

export type Spoil = (request: Request, forward: () => Promise<Response>) => Response | Promise<Response> | undefined;

export interface FaultProxy extends Disposable {
  readonly host: string;
  readonly origin: string;
  spoil: Spoil | undefined;
  /** Body bytes of blobs that went out. */
  blobBytes: number;
}

export function faultProxy(upstream: string): FaultProxy {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    development: false,
    maxRequestBodySize: 1024 ** 4,
    async fetch(request) {
      const url = new URL(request.url);
      const forward = async (): Promise<Response> => {
        const answer = await fetch(`${upstream}${url.pathname}${url.search}`, {
          method: request.method,
          headers: request.headers,
          redirect: "manual",
          proxy: false,
          ...(request.body === null ? {} : { body: request.body }),
        });
        const isBlob = request.method === "GET" && url.pathname.includes("/blobs/sha256:");
        const body = isBlob && answer.body !== null ? counted(answer.body) : answer.body;
        return new Response(body, { status: answer.status, headers: answer.headers });
      };
      return (await self.spoil?.(request, forward)) ?? forward();
    },
  });
  const counted = (body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> =>
    body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          self.blobBytes += chunk.byteLength;
          controller.enqueue(chunk);
        },
      }),
    );
  const self: FaultProxy = {
    host: `127.0.0.1:${server.port}`,
    origin: `http://127.0.0.1:${server.port}`,
    spoil: undefined,
    blobBytes: 0,
    [Symbol.dispose]() {
      void server.stop(true);
    },
  };
  return self;
}
