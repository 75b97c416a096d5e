// The server's figures in Prometheus' form. Counters move when a request or an answer ends, never with a token; gauges are read
// when somebody looks.

import { Counter, Gauge, Histogram, Registry } from "prom-client";

export interface RequestFacts {
  readonly method: string;
  /** The route's pattern, never the path itself: that would be a label without bounds. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

export interface AnswerFacts {
  readonly model: string;
  readonly key: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly generatedTokens: number;
  /** False: broken off, so that no reply told these counts. */
  readonly complete: boolean;
}

/** What is looked up at the moment of looking. */
export interface Sources {
  readonly inFlight: () => number;
  readonly waiting: () => number;
  readonly models: () => readonly { readonly model: string; readonly bytes: number; readonly active: number }[];
  /** Models served by engines elsewhere that were asked lately, and whether one can be reached. */
  readonly remotes: () => Promise<readonly { readonly model: string; readonly up: boolean }[]>;
}

const SECONDS = [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"method" | "route" | "code">;
  readonly #seconds: Histogram<"route">;
  readonly #tokens: Counter<"model" | "key" | "kind">;
  readonly #answers: Counter<"model" | "key" | "outcome">;

  constructor(sources: Sources, version: string) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: "ollama_http_requests_total",
      help: "Requests that have ended, by route and status",
      labelNames: ["method", "route", "code"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "ollama_http_request_duration_seconds",
      help: "Time from a request to the end of its answer",
      labelNames: ["route"],
      buckets: SECONDS,
      registers,
    });
    this.#tokens = new Counter({
      name: "ollama_tokens_total",
      help: "Tokens of answers: prompt (cached ones included), cached, generated; broken_off is an estimate for answers nobody waited for",
      labelNames: ["model", "key", "kind"],
      registers,
    });
    this.#answers = new Counter({
      name: "ollama_answers_total",
      help: "Answers and embeddings that models have given",
      labelNames: ["model", "key", "outcome"],
      registers,
    });
    this.#addGauges(sources, version);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  requestEnded({ method, route, status, seconds }: RequestFacts): void {
    this.#requests.inc({ method, route, code: String(status) });
    this.#seconds.observe({ route }, seconds);
  }

  answerEnded({ model, key, promptTokens, cachedTokens, generatedTokens, complete }: AnswerFacts): void {
    this.#answers.inc({ model, key, outcome: complete ? "complete" : "broken_off" });
    if (!complete) return this.#tokens.inc({ model, key, kind: "broken_off" }, promptTokens + generatedTokens);
    this.#tokens.inc({ model, key, kind: "prompt" }, promptTokens);
    this.#tokens.inc({ model, key, kind: "cached" }, cachedTokens);
    this.#tokens.inc({ model, key, kind: "generated" }, generatedTokens);
  }

  #addGauges({ inFlight, waiting, models, remotes }: Sources, version: string): void {
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(value());
        },
      });
    gauge("ollama_requests_in_flight", "Requests that have not ended", inFlight);
    gauge("ollama_requests_waiting", "Requests that wait for a key's limit or for a model", waiting);
    gauge("process_resident_memory_bytes", "Memory of the server itself, without its runners", () =>
      process.memoryUsage.rss(),
    );
    const startedAt = Date.now() / 1000 - process.uptime();
    gauge("process_start_time_seconds", "When the server started", () => startedAt);
    const perModel = (name: string, help: string, value: (each: ReturnType<Sources["models"]>[number]) => number) =>
      new Gauge({
        name,
        help,
        labelNames: ["model"],
        registers: [this.#registry],
        collect() {
          this.reset();
          for (const each of models()) this.set({ model: each.model }, value(each));
        },
      });
    perModel("ollama_model_memory_bytes", "Memory that a loaded model is reckoned to take", ({ bytes }) => bytes);
    perModel(
      "ollama_model_active_requests",
      "Requests that a loaded model is answering or holding",
      ({ active }) => active,
    );
    this.#addRemoteGauge(remotes);
    new Gauge({
      name: "ollama_build_info",
      help: "1, with the version as its label",
      labelNames: ["version"],
      registers: [this.#registry],
    }).set({ version }, 1);
  }

  #addRemoteGauge(remotes: Sources["remotes"]): Gauge<"model"> {
    return new Gauge({
      name: "ollama_remote_up",
      help: "1 while an engine elsewhere that serves the model can be reached, else 0; for models asked lately",
      labelNames: ["model"],
      registers: [this.#registry],
      async collect() {
        const found = await remotes();
        this.reset();
        for (const { model, up } of found) this.set({ model }, up ? 1 : 0);
      },
    });
  }
}
