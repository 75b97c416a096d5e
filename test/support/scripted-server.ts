// A server that answers what the test tells it to, over real HTTP, and remembers what it was asked. It stands in for an
// Ollama where a model's answer, a slow stream or a lost connection is needed on demand.

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  /** Parsed where it is JSON. */
  readonly body: unknown;
}

type Answer = (asked: Asked) => Response | Promise<Response>;

export class ScriptedServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly #answers = new Map<string, Answer>();
  readonly #server: ReturnType<typeof Bun.serve>;

  constructor() {
    this.on("/", () => new Response("Ollama is running"));
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      development: false,
      fetch: async (request) => {
        const text = await request.text();
        const path = new URL(request.url).pathname;
        const asked = { method: request.method, path, headers: request.headers, body: parsed(text) };
        this.asked.push(asked);
        const answer = this.#answers.get(path);
        return answer === undefined ? new Response("404 page not found", { status: 404 }) : answer(asked);
      },
    });
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  on(path: string, answer: Answer): this {
    this.#answers.set(path, answer);
    return this;
  }

  /** The bodies of the requests to one path, oldest first. */
  bodies(path: string): unknown[] {
    return this.asked.filter((asked) => asked.path === path).map(({ body }) => body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return text;
  }
}

export function ndjson(...items: readonly unknown[]): Response {
  const text = items.map((item) => `${JSON.stringify(item)}\n`).join("");
  return new Response(text, { headers: { "content-type": "application/x-ndjson" } });
}

export function failure(status: number, error: string): Response {
  return Response.json({ error }, { status });
}

/** A stream that the test feeds. */
export class OpenStream {
  readonly response: Response;
  /** Resolves when the client has gone away. */
  readonly left: Promise<void>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor() {
    let leave: () => void = () => {};
    this.left = new Promise((resolve) => (leave = resolve));
    this.response = new Response(
      new ReadableStream<Uint8Array>({
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => leave(),
      }),
      { headers: { "content-type": "application/x-ndjson" } },
    );
  }

  push(item: unknown): void {
    this.#controller?.enqueue(new TextEncoder().encode(`${JSON.stringify(item)}\n`));
  }

  end(): void {
    this.#controller?.close();
  }

  /** Cuts the connection in the middle of the answer. */
  break(): void {
    this.#controller?.error(new Error("gone"));
  }
}
