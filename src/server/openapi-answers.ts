// What each documented route answers. A table for the document only: answers are typed by the same schemas and need no check when
// they leave.

import type { TSchema } from "@sinclair/typebox";
import { AnthropicError, CountTokensResponse, MessagesResponse, StreamEvent } from "../api/anthropic.ts";
import { ChatCompletion, ChatCompletionChunk } from "../api/openai/chat.ts";
import { Completion } from "../api/openai/completions.ts";
import { EmbeddingsList } from "../api/openai/embeddings.ts";
import { OpenAIModel, OpenAIModelList } from "../api/openai/models.ts";
import { ResponseEvent, ResponseObject } from "../api/openai/responses.ts";
import { OpenAIError } from "../api/openai/shared.ts";
import { EmbeddingResponse, EmbedResponse } from "../api/schema/embed.ts";
import { ChatResponse, GenerateResponse } from "../api/schema/generate.ts";
import {
  ErrorResponse,
  ListResponse,
  ProcessResponse,
  ProgressResponse,
  ShowResponse,
  VersionResponse,
} from "../api/schema/models.ts";
import { RerankResponse } from "../api/schema/rerank.ts";
import { DetokenizeResponse, TokenizeResponse } from "../api/schema/tokens.ts";
import { NDJSON_TYPE, SSE_TYPE } from "./stream.ts";

interface Row {
  readonly answer: TSchema;
  readonly error: TSchema;
  readonly stream?: { readonly type: string; readonly schema: TSchema };
}

export type ResponseSchemas = Readonly<Record<string, Row>>;

const native = (answer: TSchema): Row => ({ answer, error: ErrorResponse });
const lines = (answer: TSchema): Row => ({ ...native(answer), stream: { type: NDJSON_TYPE, schema: answer } });
const openAI = (answer: TSchema, chunk?: TSchema): Row => ({
  answer,
  error: OpenAIError,
  ...(chunk === undefined ? {} : { stream: { type: SSE_TYPE, schema: chunk } }),
});

export const answers: ResponseSchemas = {
  "/api/version": native(VersionResponse),
  "/api/tags": native(ListResponse),
  "/api/ps": native(ProcessResponse),
  "/api/show": native(ShowResponse),
  "/api/generate": lines(GenerateResponse),
  "/api/chat": lines(ChatResponse),
  "/api/create": lines(ProgressResponse),
  "/api/pull": lines(ProgressResponse),
  "/api/push": lines(ProgressResponse),
  "/api/embed": native(EmbedResponse),
  "/api/embeddings": native(EmbeddingResponse),
  "/api/tokenize": native(TokenizeResponse),
  "/api/detokenize": native(DetokenizeResponse),
  "/api/rerank": native(RerankResponse),
  "/v1/rerank": openAI(RerankResponse),
  "/v1/chat/completions": openAI(ChatCompletion, ChatCompletionChunk),
  "/v1/completions": openAI(Completion, Completion),
  "/v1/embeddings": openAI(EmbeddingsList),
  "/v1/models": openAI(OpenAIModelList),
  "/v1/models/{model}": openAI(OpenAIModel),
  "/v1/responses": openAI(ResponseObject, ResponseEvent),
  "/v1/messages": { answer: MessagesResponse, error: AnthropicError, stream: { type: SSE_TYPE, schema: StreamEvent } },
  "/v1/messages/count_tokens": { answer: CountTokensResponse, error: AnthropicError },
};
