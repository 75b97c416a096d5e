// Clients of every temper: quick ones, some that go away, some that read or write slowly, some that send nonsense. Each
// tells what became of its request; only an answer that neither came nor was refused counts as lost.

import { connect } from "node:net";
import type { SeededRandom } from "../support/seeded-random.ts";
import type { TestServer } from "../support/server.ts";

export type Outcome = "answered" | "aborted" | "refused" | "busy" | `lost: ${string}`;

export interface SoakModels {
  readonly text: readonly string[];
  readonly embedding: string;
}

type Client = (server: TestServer, models: SoakModels, random: SeededRandom) => Promise<Outcome>;

const PATIENCE_MS = 60_000;

function pick<T>(list: readonly T[], random: SeededRandom): T {
  return list[random.below(list.length)] as T;
}

function generateBody({ text }: SoakModels, random: SeededRandom): Record<string, unknown> {
  const words = Array.from({ length: 1 + random.below(60) }, () => `w${random.below(50)}`).join(" ");
  const options = { num_predict: 1 + random.below(40), num_ctx: 512, seed: random.below(1000) };
  return { model: pick(text, random), prompt: words, raw: true, options };
}

/** Reads a whole answer; 503 with Retry-After is a refusal that the client can act on. */
async function answerOf(response: Response, isWhole: (text: string) => boolean): Promise<Outcome> {
  const text = await response.text();
  if (response.status === 503 && response.headers.get("retry-after") !== null) return "busy";
  if (!response.ok) return `lost: ${response.status} ${text.slice(0, 200)}`;
  return isWhole(text) ? "answered" : `lost: it ended with ${JSON.stringify(text.slice(-200))}`;
}

function post(server: TestServer, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  return fetch(`${server.baseUrl}${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
  });
}

function isWholeGeneration(text: string): boolean {
  const last = JSON.parse(text.trim().split("\n").at(-1) ?? "{}") as { done?: boolean; done_reason?: string };
  return last.done === true && (last.done_reason === "stop" || last.done_reason === "length");
}

const streaming: Client = async (server, models, random) =>
  answerOf(await post(server, "/api/generate", generateBody(models, random)), isWholeGeneration);

const whole: Client = async (server, models, random) =>
  answerOf(await post(server, "/api/generate", { ...generateBody(models, random), stream: false }), isWholeGeneration);

const openai: Client = async (server, models, random) => {
  const { model, prompt, options } = generateBody(models, random) as {
    model: string;
    prompt: string;
    options: { num_predict: number };
  };
  const body = { model, prompt, max_tokens: options.num_predict, stream: true };
  return answerOf(await post(server, "/v1/completions", body), (text) => text.trimEnd().endsWith("data: [DONE]"));
};

const embedding: Client = async (server, { embedding: model }, random) => {
  const input = Array.from({ length: 1 + random.below(8) }, () => `text ${random.below(100)}`);
  return answerOf(
    await post(server, "/api/embed", { model, input }),
    (text) => (JSON.parse(text) as { embeddings: unknown[] }).embeddings.length === input.length,
  );
};

const leaving: Client = async (server, models, random) => {
  const body = generateBody(models, random);
  const signal = AbortSignal.timeout(random.below(300));
  try {
    const response = await post(
      server,
      "/api/generate",
      { ...body, options: { num_predict: 400, num_ctx: 512 } },
      signal,
    );
    return await answerOf(response, isWholeGeneration);
  } catch {
    return "aborted";
  }
};

const nonsense: Client = async (server, models, random) => {
  const body = pick<unknown>(
    [{ model: 7 }, "text", { model: "no-such-model", prompt: "x" }, { ...generateBody(models, random), options: 3 }],
    random,
  );
  const { status } = await post(server, "/api/generate", body);
  return status === 400 || status === 404 ? "refused" : `lost: nonsense was answered with ${status}`;
};

/** Speaks HTTP by hand: `writeMs` between pieces of the body, `readMs` between pieces of the answer. */
function slow(server: TestServer, body: string, writeMs: number, readMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect(server.port, "127.0.0.1");
    let text = "";
    const end = (outcome: Outcome): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => end(`lost: no end within ${PATIENCE_MS} ms`), PATIENCE_MS);
    socket.on("error", (error) => end(`lost: ${error.message}`));
    socket.on("close", () => end(`lost: closed after ${text.length} characters`));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (text.startsWith("HTTP/1.1 503")) return end("busy");
      if (text.includes('"done":true')) return end("answered");
      if (readMs > 0) {
        socket.pause();
        setTimeout(() => socket.resume(), readMs);
      }
    });
    const head = `POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
    socket.write(head);
    const pieces = body.match(/[^]{1,40}/g) ?? [];
    const write = (): void => {
      const piece = pieces.shift();
      if (piece === undefined || socket.destroyed) return;
      socket.write(piece);
      setTimeout(write, writeMs);
    };
    write();
  });
}

const slowReader: Client = (server, models, random) =>
  slow(server, JSON.stringify(generateBody(models, random)), 0, 20 + random.below(80));

const slowWriter: Client = (server, models, random) =>
  slow(server, JSON.stringify(generateBody(models, random)), 50 + random.below(150), 0);

export const CLIENTS: readonly (readonly [name: string, client: Client])[] = [
  ["streaming", streaming],
  ["whole", whole],
  ["openai", openai],
  ["embedding", embedding],
  ["leaving", leaving],
  ["nonsense", nonsense],
  ["slow reader", slowReader],
  ["slow writer", slowWriter],
];
