// An engine elsewhere that behaves as the test tells it to, over real HTTP or TLS: an honest OpenAI-compatible server until
// one of its routes is spoiled. It remembers what it was asked.

export interface EngineRequest {
  readonly path: string;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

type Spoil = (request: EngineRequest) => Response | Promise<Response>;

export interface FakeEngineOptions {
  readonly owner?: string;
  readonly tls?: { readonly key: string; readonly cert: string };
}

export class FakeEngine implements AsyncDisposable {
  readonly asked: EngineRequest[] = [];
  /** Streams that a client closed before their end. */
  left = 0;
  readonly #routes = new Map<string, Spoil>();
  readonly #server: ReturnType<typeof Bun.serve>;

  constructor({ owner = "vllm", tls }: FakeEngineOptions = {}) {
    this.on("/v1/models", () =>
      Response.json({ object: "list", data: [{ id: "big", owned_by: owner, max_model_len: 4096 }] }),
    );
    this.on("/version", () => Response.json({ version: "0.12.0" }));
    this.on("/v1/chat/completions", () =>
      sse(delta({ content: "Hello" }), delta({ content: " there" }), stopped(), usage()),
    );
    this.on("/v1/completions", () =>
      sse({ choices: [{ text: "plain" }] }, { choices: [{ text: "", finish_reason: "stop" }] }, usage()),
    );
    this.on("/v1/embeddings", () =>
      Response.json({ data: [{ index: 0, embedding: [3, 4] }], usage: { prompt_tokens: 2 } }),
    );
    this.on("/tokenize", () => Response.json({ tokens: [1, 2, 3] }));
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      development: false,
      ...(tls === undefined ? {} : { tls }),
      fetch: async (request) => {
        const text = await request.text();
        const body = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
        const asked = { path: new URL(request.url).pathname, headers: request.headers, body };
        this.asked.push(asked);
        const route = this.#routes.get(asked.path);
        return route === undefined ? new Response("Not Found", { status: 404 }) : route(asked);
      },
    });
    this.origin = `${tls === undefined ? "http" : "https"}://127.0.0.1:${this.#server.port}`;
  }

  /** Stays what it was when the engine has stopped. */
  readonly origin: string;

  get baseUrl(): string {
    return `${this.origin}/v1`;
  }

  on(path: string, spoil: Spoil): this {
    this.#routes.set(path, spoil);
    return this;
  }

  /** The body of the last request to a path. */
  lastBody(path: string): Record<string, unknown> | undefined {
    return this.asked.findLast((each) => each.path === path)?.body;
  }

  /** A stream that says these texts and then nothing, until the client leaves. */
  hanging(...texts: readonly string[]): Response {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const text of texts) controller.enqueue(new TextEncoder().encode(text));
      },
      cancel: () => {
        this.left++;
      },
    });
    return new Response(body, { headers: EVENTS });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }
}

const EVENTS = { "content-type": "text/event-stream" };

export function sse(...items: readonly unknown[]): Response {
  return new Response(sseText(...items) + "data: [DONE]\n\n", { headers: EVENTS });
}

export function sseText(...items: readonly unknown[]): string {
  return items.map((item) => `data: ${typeof item === "string" ? item : JSON.stringify(item)}\n\n`).join("");
}

export function rawEvents(text: string): Response {
  return new Response(text, { headers: EVENTS });
}

export function delta(fields: Record<string, unknown>, more: Record<string, unknown> = {}): unknown {
  return { choices: [{ index: 0, delta: fields, finish_reason: null, ...more }] };
}

export function stopped(reason = "stop"): unknown {
  return { choices: [{ index: 0, delta: {}, finish_reason: reason }] };
}

export function usage(): unknown {
  return {
    choices: [],
    usage: { prompt_tokens: 7, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 3 } },
  };
}
