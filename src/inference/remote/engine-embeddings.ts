// Vectors from an engine elsewhere, as many as there were texts.

import { isRecord } from "../../api/responses.ts";
import type { Embeddings, EmbedQuestion } from "../model.ts";
import type { Engine } from "./engine.ts";
import type { EngineFacts } from "./engine-facts.ts";
import { unreadable } from "./failure.ts";
import { embedBody } from "./openai-request.ts";
import { countAt, listAt } from "./wire-values.ts";

interface Asked {
  readonly engine: Engine;
  readonly facts: EngineFacts;
  readonly signal: AbortSignal;
}

export async function embedAt({ engine, facts, signal }: Asked, question: EmbedQuestion): Promise<Embeddings> {
  const startedMs = performance.now();
  const { inputs, truncate, options } = question;
  const { model } = engine.place;
  const isOpenAI = facts.dialect === "openai";
  const url = isOpenAI ? `${facts.apiUrl}/embeddings` : `${facts.apiUrl}/api/embed`;
  const body = isOpenAI ? embedBody(model, inputs, truncate, facts) : { model, input: inputs, truncate, options };
  const answer = await engine.json(url, body, signal);
  const rows = isOpenAI ? openAIRows(answer) : listAt(answer, "embeddings");
  const vectors = rows.filter(isVector);
  if (vectors.length !== inputs.length)
    throw unreadable(engine.place, `sent ${vectors.length} embeddings for ${inputs.length} texts`);
  const usage = isRecord(answer) ? answer["usage"] : undefined;
  return {
    vectors,
    promptTokens: isOpenAI ? countAt(usage, "prompt_tokens") : countAt(answer, "prompt_eval_count"),
    loadMs: countAt(answer, "load_duration") / 1e6,
    totalMs: performance.now() - startedMs,
  };
}

/** They may come in another order than they were asked for. */
function openAIRows(answer: unknown): unknown[] {
  const rows = listAt(answer, "data").filter(isRecord);
  return rows.toSorted((a, b) => countAt(a, "index") - countAt(b, "index")).map((row) => row["embedding"]);
}

function isVector(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "number");
}
